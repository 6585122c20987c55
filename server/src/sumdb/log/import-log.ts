import { GomodError } from '@modstead/gomod/error'
import { openNote, type Verifier } from '@modstead/gomod/note'
import { equalHashes, recordHash } from '@modstead/gomod/tlog/hash'
import { parseTree } from '@modstead/gomod/tlog/record'
import type { TileEdge } from '@modstead/gomod/tlog/tile-appender'
import { treeHash, type Tree } from '@modstead/gomod/tlog/tree'
import { ModsteadError } from '../../errors.ts'
import { type HighWaterMark, openMark } from './high-water.ts'
import { hashesOf, loadEdge, openHead } from './load.ts'
import { type LoggedVersion, readLoggedVersion } from './logged-version.ts'
import type { LogEntry, LogGrowth } from './storage.ts'

/** Another copy of a log: an export, or what somebody publishes of it. */
export interface LogCopy {
  /** Where it is, for messages. */
  where: string
  /** Its records from `from` on, in their order, and in the end the signed head over all that it has. */
  read(from: number): AsyncGenerator<CopiedRecord, Uint8Array>
}

export interface CopiedRecord {
  id: number
  /** Milliseconds since the epoch; absent where the copy does not tell. */
  at?: number
  record: Uint8Array
}

export interface ImportLogOptions {
  name: string
  /** Those of the log's keys. */
  verifiers: readonly Verifier[]
  mark: HighWaterMark
  /** Milliseconds since the epoch: the time of records that come without. */
  now?: () => number
  progress?: (size: number) => void
}

export interface Imported {
  /** Records that were added, and how many there are now. */
  added: number
  size: number
  /** The size that the high-water mark says; absent where there is none. */
  marked?: number
}

/** Records added at a time. */
const BATCH = 256

/**
 * Adds what a copy has more than the log. To be called in one transaction, for it adds before it knows: only where all
 * that it added, behind the records that were there, leads to the root of a head that a key of the log has signed, does
 * it settle. Throws `log_refused` where it does not, or contradicts the high-water mark; `bad_request` for records that
 * cannot be of a log; and what the copy and the storage throw.
 */
export async function importLog(
  growth: LogGrowth,
  copy: LogCopy,
  { name, verifiers, mark, now = Date.now, progress }: ImportLogOptions,
): Promise<Imported> {
  const head = await growth.head()
  let edge = await loadEdge({ name, head, storage: growth })
  if (head !== undefined) openHead(head, { name, verifiers })
  const before = edge.tree
  const [last] = before.size === 0 ? [] : await growth.records(before.size - 1, 1)
  const batch: LogEntry[] = []
  const times: number[] = []
  const waiting = new Set<string>()
  let at = last?.at ?? 0

  async function add(note: Uint8Array): Promise<void> {
    const { edge: grown, tiles } = edge.grow(batch.map(({ record }) => recordHash(record)))
    const { size, hash } = grown.tree
    await growth.append({
      size: edge.tree.size,
      root: edge.tree.hash,
      at,
      times,
      entries: batch,
      tiles: tiles.map(({ tile, data }) => ({ level: tile.level, index: tile.index, data })),
      head: { size, root: hash, note },
    })
    edge = grown
    batch.length = 0
    times.length = 0
    waiting.clear()
    progress?.(size)
  }

  async function take({ id, record, at: time = now() }: CopiedRecord): Promise<void> {
    const { module, version } = readVersion(copy, id, record)
    const key = `${module}@${version}`
    if (waiting.has(key) || (await growth.find(module, version)) !== undefined)
      throw badCopy(copy, `record ${id} of it is a second one of ${key}`)
    if (batch.length === BATCH) await add(Buffer.alloc(0))
    // No head covers times: that they do not go back is all that can be asked of them.
    at = Math.max(at, time)
    times.push(at)
    waiting.add(key)
    batch.push({ module, version, record })
  }

  const records = copy.read(before.size)
  let step = await records.next()
  for (let id = before.size; step.done !== true; step = await records.next(), id++) {
    if (step.value.id !== id) throw new TypeError(`record ${step.value.id} was given in place of ${id}`)
    await take(step.value)
  }
  const signed = openCopied(copy, step.value, verifiers)
  if (batch.length > 0) await add(step.value)
  await checkCopied(copy, signed, { before, edge, growth })
  const marked = await checkMark(copy, { name, verifiers, mark, edge, growth })
  return {
    added: edge.tree.size - before.size,
    size: edge.tree.size,
    ...(marked !== undefined && { marked: marked.size }),
  }
}

function readVersion(copy: LogCopy, id: number, record: Uint8Array): LoggedVersion {
  try {
    return readLoggedVersion(record)
  } catch (error) {
    if (!(error instanceof GomodError)) throw error
    throw badCopy(copy, `record ${id} of it cannot be one: ${error.message}`, error)
  }
}

function openCopied(copy: LogCopy, note: Uint8Array, verifiers: readonly Verifier[]): Tree {
  try {
    return parseTree(openNote(note, verifiers).text)
  } catch (error) {
    if (!(error instanceof GomodError)) throw error
    throw refused(copy, `its head is not signed by a key of this log (${error.message})`, error)
  }
}

interface Grown {
  edge: TileEdge
  growth: LogGrowth
}

/** The copy's head must be one over the log as it is now, or over the beginning of it where the copy is the shorter one. */
async function checkCopied(
  copy: LogCopy,
  signed: Tree,
  { before, edge, growth }: Grown & { before: Tree },
): Promise<void> {
  if (signed.size > edge.tree.size)
    throw refused(copy, `its head is over ${signed.size} records, and it has ${edge.tree.size}`)
  if (signed.size < edge.tree.size && edge.tree.size > before.size)
    throw refused(copy, `its head is over ${signed.size} records, and it has more: ${edge.tree.size}`)
  const root = signed.size === edge.tree.size ? edge.tree.hash : await treeHash(signed.size, hashesOf(growth))
  if (equalHashes(root, signed.hash)) return
  throw refused(
    copy,
    before.size === 0
      ? 'its records are not those that its head was signed over'
      : `behind the ${before.size} records that are here it does not lead to its signed head: it is another log, or one of the two was changed`,
  )
}

async function checkMark(
  copy: LogCopy,
  { name, verifiers, mark, edge, growth }: Grown & Pick<ImportLogOptions, 'name' | 'verifiers' | 'mark'>,
): Promise<Tree | undefined> {
  const note = await mark.read()
  if (note === undefined) return undefined
  const marked = openMark(note, { name, verifiers })
  if (marked.size > edge.tree.size) return marked
  const root = marked.size === edge.tree.size ? edge.tree.hash : await treeHash(marked.size, hashesOf(growth))
  if (equalHashes(root, marked.hash)) return marked
  throw refused(
    copy,
    `its first ${marked.size} records are not those that the high-water mark was signed over`,
  )
}

function badCopy(copy: LogCopy, problem: string, cause?: unknown): ModsteadError {
  return new ModsteadError('bad_request', `${copy.where} cannot be imported: ${problem}`, {
    next: 'nothing was imported; take another copy',
    ...(cause !== undefined && { cause }),
  })
}

function refused(copy: LogCopy, problem: string, cause?: unknown): ModsteadError {
  return new ModsteadError('log_refused', `${copy.where} cannot be imported: ${problem}`, {
    next: 'nothing was imported; take another copy, or see "When the log is refused" in docs/checksum-database.md',
    ...(cause !== undefined && { cause }),
  })
}
