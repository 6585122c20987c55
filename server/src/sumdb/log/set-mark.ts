import { equalHashes } from '@modstead/gomod/tlog/hash'
import { treeHash } from '@modstead/gomod/tlog/tree'
import type { Verifier } from '@modstead/gomod/note'
import { ModsteadError } from '../../errors.ts'
import { type HighWaterMark, openMark } from './high-water.ts'
import { hashesOf, loadEdge, openHead } from './load.ts'
import type { LogReader, StoredHead } from './storage.ts'

export interface MarkChange {
  head: StoredHead
  /** The size that the mark says now; absent where there is none. */
  marked?: number
  /** Writes the newest head of the log as its mark. Durable when it settles. */
  write(): Promise<void>
}

/**
 * What it would mean to take a log as it is for all that was ever signed. Only where nothing says otherwise: throws
 * `log_refused` where a mark is there that is larger, or of another history, or not of this log, for a second history
 * under the same key is what no client forgives; and where the log is empty, damaged, or not signed by its key.
 */
export async function prepareMark(options: {
  name: string
  verifiers: readonly Verifier[]
  storage: Pick<LogReader, 'head' | 'records' | 'tile'>
  mark: HighWaterMark
}): Promise<MarkChange> {
  const { name, verifiers, storage, mark } = options
  const head = await storage.head()
  if (head === undefined)
    throw refused(
      `the log ${name} has no records yet`,
      'start modstead, which begins a log and its mark together',
    )
  openHead(head, { name, verifiers })
  await loadEdge({ name, head, storage })
  const note = await mark.read()
  const write = (): Promise<void> => mark.write(head.note)
  if (note === undefined) return { head, write }
  const marked = openMark(note, { name, verifiers })
  if (marked.size > head.size)
    throw refused(
      `the mark knows of ${marked.size} records, and the log ${name} has ${head.size}`,
      `give the missing records back with "modstead sumdb import", or begin a log under a new name: ${SEE}`,
    )
  const root = marked.size === head.size ? head.root : await treeHash(marked.size, hashesOf(storage))
  if (!equalHashes(root, marked.hash))
    throw refused(
      `the mark is of another history than the log ${name}: their first ${marked.size} records differ`,
      `restore the log that the mark belongs to, or begin a log under a new name: ${SEE}`,
    )
  return { head, marked: marked.size, write }
}

const SEE = 'docs/checksum-database.md'

function refused(problem: string, next: string): ModsteadError {
  return new ModsteadError('log_refused', `no mark is set: ${problem}`, { next })
}
