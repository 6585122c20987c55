import { open } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { storeError } from '../../disk-errors.ts'
import { ModsteadError } from '../../errors.ts'
import { formatExport } from '../../sumdb/log/export-format.ts'
import { openHead } from '../../sumdb/log/load.ts'
import { createDurable } from '../../store/durable.ts'
import { localFileSystem } from '../../store/file-system.ts'
import { type CommandContext, EXIT } from '../context.ts'
import { countOf } from './count.ts'
import { findKnownLog, type LocalLogFlags, openLocalLog } from './local-log.ts'
import { checkNamedFolder } from './named-file.ts'
import { createProgress } from './progress.ts'

/**
 * `modstead sumdb export`: the log of a data folder as one text, in a file that only its owner may read, or on standard
 * output for `-`; also beside a running server. A file is there whole or not at all. Throws `config_invalid`,
 * `not_found`, `log_refused` for a log that is empty, damaged or not signed by the key, `store_unavailable`.
 */
export async function exportLog(to: string, flags: LocalLogFlags, context: CommandContext): Promise<number> {
  const log = await findKnownLog(flags, context)
  const { name, verifiers } = log
  if (to !== '-') await checkNamedFolder(dirname(resolve(context.cwd, to)), 'make it, or name another file')
  const storage = await openLocalLog(log)
  const progress = createProgress(context, 'exporting')
  try {
    const head = await storage.head()
    if (head === undefined)
      throw new ModsteadError('log_refused', `the log ${name} has no records yet`, {
        next: 'there is nothing to export: it begins with the first look-up',
      })
    openHead(head, { name, verifiers })
    const { size } = head
    const pieces = formatExport({ name, ...head }, { records: counted(storage.records, progress, size) })
    if (to === '-') for await (const piece of pieces) context.stdout.write(Buffer.from(piece).toString())
    else await writeFile(resolve(context.cwd, to), pieces)
    progress.end()
    if (to !== '-')
      context.stdout.write(
        `${countOf(size, 'record')} and ${size === 1 ? 'its' : 'their'} signed head are in ${to}.\n`,
      )
    return EXIT.ok
  } finally {
    progress.end()
    await storage.close()
  }
}

function counted<Result>(
  read: (id: number, count: number) => Promise<Result>,
  progress: { at(done: number, all: number): void },
  size: number,
) {
  return (id: number, count: number): Promise<Result> => {
    progress.at(id + count, size)
    return read(id, count)
  }
}

/** It names every private module: only its owner may read it. */
async function writeFile(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const folder = dirname(path)
  const temporary = join(folder, `.${basename(path)}.${process.pid}.tmp`)
  const durable = createDurable({ files: localFileSystem, temporary: folder, root: folder })
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      for await (const piece of pieces) await file.appendFile(piece)
      await file.sync()
    } finally {
      await file.close()
    }
    await durable.replace(temporary, path)
  } catch (error) {
    await durable.discard(temporary)
    throw storeError(error, `write the export to ${path}`)
  }
}
