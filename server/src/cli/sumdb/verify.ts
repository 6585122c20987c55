import type { CommandContext } from '../context.ts'
import { EXIT } from '../context.ts'
import { ModsteadError } from '../../errors.ts'
import { reportFailure } from '../failures.ts'
import type { Finding } from '../../sumdb/log/finding.ts'
import { type RecordedVersion, verifyLog } from '../../sumdb/log/verify-log.ts'
import { countOf } from './count.ts'
import { findLog, type LocalLog, type LocalLogFlags, markOf, openLocalLog } from './local-log.ts'
import { createProgress } from './progress.ts'
import { openStoredSide } from './stored-side.ts'
import { openUpstreamSide } from './upstream-side.ts'

export interface VerifyFlags extends LocalLogFlags {
  store?: boolean
  upstream?: boolean
  json?: boolean
}

/** Something that records are compared with. */
export interface ComparedSide {
  compare(versions: readonly RecordedVersion[]): AsyncIterable<Finding>
  /** What it has compared, for the last line. */
  summary(): string
  close(): Promise<void>
}

/**
 * `modstead sumdb verify`: all that is wrong with the log of a data folder, a line each. Exit code 1 where there is
 * something, 3 where nothing is, and a database of `--upstream` could not be asked. Throws `config_invalid`, `not_found`,
 * `store_unavailable`, and for `--upstream` what asking throws.
 */
export async function verifyStoredLog(flags: VerifyFlags, context: CommandContext): Promise<number> {
  const log = await findLog(flags, context)
  const storage = await openLocalLog(log)
  const sides: ComparedSide[] = []
  const progress = createProgress(context, 'verifying')
  const say = reporter(flags, context)
  let size = 0
  try {
    if (flags.store === true) sides.push(await openStoredSide(log))
    if (flags.upstream === true) sides.push(await openUpstreamSide(log, context))
    const mark = await markOf(log)
    const findings = verifyLog({
      name: log.verifiers[0]?.name ?? '',
      storage,
      verifiers: log.verifiers,
      ...(mark !== undefined && { mark }),
      progress: (done, all) => progress.at((size = done), all),
      ...(sides.length > 0 && { compare: (versions) => compareAll(sides, versions) }),
    })
    for await (const finding of findings) {
      progress.end()
      say.finding(finding)
    }
  } catch (error) {
    // What could not be asked is nothing wrong, and nothing right.
    if (!(error instanceof ModsteadError) || error.code !== 'checksum_unavailable' || say.isWrong())
      throw error
    progress.end()
    reportFailure(context, error)
    return EXIT.notCompared
  } finally {
    progress.end()
    for (const side of sides) await side.close()
    await storage.close()
  }
  return say.end({ size, compared: sides.map((side) => side.summary()), notes: notesOf(log) })
}

async function* compareAll(
  sides: readonly ComparedSide[],
  versions: readonly RecordedVersion[],
): AsyncGenerator<Finding> {
  for (const side of sides) yield* side.compare(versions)
}

function notesOf({ notes, files, config }: LocalLog): string[] {
  if (config?.checksumLog !== undefined) return notes
  return [...notes, `the high-water mark is looked for beside the log only: ${files.highWater}`]
}

const WHERE_LOG = 'docs/checksum-database.md, "When the log is refused"'
const WHERE_STORED =
  'docs/incidents.md for what is stored: a server that runs notices a damaged zip or go.mod when it is asked for, and fetches it again'
const STORED: ReadonlySet<Finding['what']> = new Set(['zip', 'mod', 'catalog'])

function reporter({ json = false }: VerifyFlags, { stdout, stderr }: CommandContext) {
  let count = 0
  const pages = new Set<string>()
  return {
    /** Whether anything is wrong so far. */
    isWrong: () => count > 0,
    finding(finding: Finding): void {
      count++
      pages.add(STORED.has(finding.what) ? WHERE_STORED : WHERE_LOG)
      stdout.write(json ? `${JSON.stringify(finding)}\n` : `${finding.name}: ${finding.problem}\n`)
    },
    end({ size, compared, notes }: { size: number; compared: string[]; notes: string[] }): number {
      const verified = [countOf(size, 'record'), ...compared].join('; ')
      for (const note of notes) stderr.write(`note: ${note}\n`)
      if (json) stdout.write(`${JSON.stringify({ records: size, findings: count, compared, notes })}\n`)
      else if (count === 0) stdout.write(`The log is whole: ${verified}.\n`)
      else
        stdout.write(
          `${count} ${count === 1 ? 'thing is' : 'things are'} wrong. Verified: ${verified}.\n` +
            `What to do: ${[...pages].sort().join('; ')}.\n`,
        )
      return count === 0 ? EXIT.ok : EXIT.failure
    },
  }
}
