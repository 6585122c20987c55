import { constants } from 'node:fs'
import { dirname, isAbsolute, relative } from 'node:path'
import type { BuildContext } from './context.ts'
import { describeFileError } from './file-errors.ts'

const { S_IFMT, S_IFDIR } = constants

/**
 * Warns where the high-water mark of the log lies with the log: a backup or snapshot that is restored takes it along,
 * and then nothing knows any more which heads were signed. Both paths are absolute; `highWater` is absent by default.
 */
export async function warnOfHighWater(
  context: BuildContext,
  highWater: string | undefined,
  dataDir: string,
): Promise<void> {
  if (highWater === undefined)
    return context.warn(
      `checksumLog.highWater is not set, so that the mark is kept in the data folder: ${TAKEN}`,
    )
  if (isInside(dataDir, highWater))
    return context.warn(`checksumLog.highWater is inside the data folder: ${TAKEN}`)
  const folder = dirname(highWater)
  const [mark, data] = await Promise.all([deviceOf(context, folder), nearestDevice(context, dataDir)])
  if (typeof mark !== 'number')
    context.warn(
      `checksumLog.highWater: ${describeFileError(folder, mark)}; without this folder the log signs nothing`,
    )
  else if (mark === data)
    context.warn(`checksumLog.highWater is on the same disk as the data folder: ${TAKEN}`)
}

/** Whether a folder stands at `path`; what cannot be looked at is none. */
export function isFolder({ stat }: Pick<BuildContext, 'stat'>, path: string): Promise<boolean> {
  return stat(path).then(
    ({ mode }) => (mode & S_IFMT) === S_IFDIR,
    () => false,
  )
}

const TAKEN =
  'a backup that is restored would take it along, and the log could contradict what it has signed; keep it elsewhere'

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way !== '' && !/^\.\.([/\\]|$)/.test(way) && !isAbsolute(way)
}

/** Of the folder, or of the nearest one above it that exists: there it will be made. */
async function nearestDevice(context: BuildContext, folder: string): Promise<unknown> {
  const device = await deviceOf(context, folder)
  const above = dirname(folder)
  return typeof device !== 'number' && above !== folder ? nearestDevice(context, above) : device
}

/** A number, or why it cannot be known. */
function deviceOf({ stat }: BuildContext, folder: string): Promise<unknown> {
  return stat(folder).then(
    ({ dev }) => dev,
    (error: unknown) => error,
  )
}
