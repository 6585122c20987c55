import { GomodError } from '@modstead/gomod/error'
import { openNote, type Verifier } from '@modstead/gomod/note'
import { equalHashes } from '@modstead/gomod/tlog/hash'
import { parseTree } from '@modstead/gomod/tlog/record'
import { treeHash, type HashReader, type Tree } from '@modstead/gomod/tlog/tree'
import { ModsteadError } from '../../errors.ts'

/**
 * Remembers the largest head that was ever shown, in another place than the log: a log that comes back from a backup
 * would otherwise sign a second history. Failures of the medium are `store_unavailable`.
 */
export interface HighWaterMark {
  /** Where it is, for people. */
  readonly where: string
  /** The note of that head; absent where none was kept. */
  read(): Promise<Uint8Array | undefined>
  /** Durable when it settles. */
  write(note: Uint8Array): Promise<void>
}

export interface CheckedLog {
  name: string
  tree: Tree
  hashes: HashReader
  verifiers: readonly Verifier[]
}

/**
 * Throws `log_refused` unless the log has all that the mark says it had. A mark that is missing is none only where the
 * log is empty.
 */
export async function checkHighWater(mark: HighWaterMark, log: CheckedLog): Promise<void> {
  const note = await mark.read()
  if (note === undefined) {
    if (log.tree.size === 0) return
    throw refused(
      log,
      `it has ${log.tree.size} records, and the high-water mark that must be kept beside it is missing`,
      SET_MARK,
    )
  }
  const marked = openMark(note, log)
  if (marked.size > log.tree.size)
    throw refused(
      log,
      `it has ${log.tree.size} records, but a head over ${marked.size} was signed before, says its high-water mark`,
      RESTORE,
    )
  const root = marked.size === log.tree.size ? log.tree.hash : await treeHash(marked.size, log.hashes)
  if (!equalHashes(root, marked.hash))
    throw refused(
      log,
      `its first ${marked.size} records are not those of the head that was signed before, says its high-water mark`,
      RESTORE,
    )
}

/** The head that a mark is. Throws `log_refused` where no key of the log has signed it. */
export function openMark(note: Uint8Array, log: Pick<CheckedLog, 'name' | 'verifiers'>): Tree {
  try {
    return parseTree(openNote(note, log.verifiers).text)
  } catch (error) {
    if (!(error instanceof GomodError)) throw error
    throw refused(
      log,
      `its high-water mark is not one that its keys have signed (${error.message})`,
      'check that it belongs to this log: see docs/checksum-database.md, "When the log is refused"',
      error,
    )
  }
}

const RESTORE =
  'restore the missing records (modstead sumdb import), or begin a new log under a new name: docs/checksum-database.md'
const SET_MARK =
  'if this log was not restored from a backup, run "modstead sumdb mark"; otherwise see docs/checksum-database.md'

function refused(
  { name }: Pick<CheckedLog, 'name'>,
  problem: string,
  next: string,
  cause?: unknown,
): ModsteadError {
  return new ModsteadError('log_refused', `the log ${name} signs nothing: ${problem}`, {
    next,
    ...(cause !== undefined && { cause }),
  })
}
