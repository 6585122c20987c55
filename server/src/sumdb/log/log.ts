import { type Signer, signNote, type Verifier } from '@modstead/gomod/note'
import { equalHashes, recordHash } from '@modstead/gomod/tlog/hash'
import { formatTree } from '@modstead/gomod/tlog/record'
import { isFullTile, type Tile, widestTile } from '@modstead/gomod/tlog/tile'
import type { TileEdge } from '@modstead/gomod/tlog/tile-appender'
import { treeHash, type HashReader, type Tree } from '@modstead/gomod/tlog/tree'
import { ModsteadError } from '../../errors.ts'
import type { Logger } from '../../observe/observer.ts'
import { checkHighWater, type HighWaterMark } from './high-water.ts'
import { checkRecords, hashesOf, loadEdge, openHead } from './load.ts'
import {
  type LogBatch,
  type LogEntry,
  type LoggedRecord,
  type LogStorage,
  type StoredHead,
  TILE_HEIGHT,
} from './storage.ts'

/** Entries that go into one batch at most. While one batch is being written, the next gathers. */
const LARGEST_BATCH = 256

export interface ChecksumLogOptions {
  /** What signs the heads: the key of today first. All have one name, which is that of the log. */
  signers: readonly Signer[]
  /** Those of the signers. */
  verifiers: readonly Verifier[]
  storage: LogStorage
  mark: HighWaterMark
  log: Logger
  /** Told of a record that is not what was signed, each time it is met. */
  onDamage?: (problem: string) => void
  /** Milliseconds that the high-water mark may take to be written, for it may be on a disk far away: 30 000. */
  markDeadline?: number
  /** Milliseconds since the epoch. */
  now?: () => number
}

/**
 * A log that only ever grows. All of it that can be seen lies under a head that is durable, and that the high-water
 * mark knows.
 */
export interface ChecksumLog {
  readonly name: string
  /** The newest head that was shown to anybody. */
  head(): StoredHead
  /** The id of a version's record, which the newest head covers. */
  find(module: string, version: string): Promise<number | undefined>
  /**
   * Gives a version its record, whose first line is about it, and the id of that; the id of the one it has already, whatever that says. Settles when
   * the newest head covers it. Throws `log_refused` and `store_unavailable`.
   */
  append(entry: LogEntry): Promise<number>
  /**
   * The records from `id` on, `count` at most, as far as the newest head goes. Throws `log_refused` for one that is not
   * what was signed.
   */
  records(id: number, count: number): Promise<LoggedRecord[]>
  /** The bytes of a hash tile of any width up to that of the newest head. */
  tile(tile: Tile): Promise<Uint8Array | undefined>
  /** Reads stored hashes, for proofs. */
  readonly hashes: HashReader
  /** From now on nothing is added or signed: `append` throws the error. What was shown is given as before. */
  refuse(error: ModsteadError): void
  /** What is wrong with it now, a sentence; it is told to those who need it, too. */
  problem(): string | undefined
  /** Called with each head that is shown from now on; gives the function that ends it. */
  onHead(listener: (head: StoredHead) => void): () => void
  /** Ends after the batch that is being written; who waits for a later one gets `shutting_down`. */
  close(): Promise<void>
}

interface Pending {
  entry: LogEntry
  settle: PromiseWithResolvers<number>
}

/**
 * Opens a log: checks that what is stored is a log, that it is the one under its newest head and has all that the mark
 * knows of, and shows that head. Throws `log_refused` where it must not sign.
 */
export async function openChecksumLog(options: ChecksumLogOptions): Promise<ChecksumLog> {
  const { signers, verifiers, storage, mark, markDeadline = 30_000, now = Date.now } = options
  const name = signers[0]!.name
  const hashes = hashesOf(storage)
  const listeners = new Set<(head: StoredHead) => void>()
  const queue = new Map<string, Pending>()
  let edge: TileEdge
  let lastTime = 0
  /** Durable; not shown yet where it is not `shown`. */
  let stored: StoredHead
  let shown: StoredHead
  /** What the storage has is not known: a write failed. */
  let unsure = false
  let working: Promise<void> | undefined
  /** Settles with the batch that is being written. */
  let batchDone = Promise.resolve()
  /** Settles with the mark that was begun last: one that comes late must not replace a newer one. */
  let marking: Promise<unknown> = Promise.resolve()
  let failing: string | undefined
  let damage: string | undefined
  let refusal: ModsteadError | undefined
  const closed = new AbortController()

  const sign = (tree: Tree): StoredHead => ({
    size: tree.size,
    root: tree.hash,
    note: signNote(formatTree(tree), signers),
  })

  /** Takes in what is stored: at the start, and after a write that failed. */
  async function load(): Promise<void> {
    const head = await storage.head()
    edge = await loadEdge({ name, head, storage })
    const last = edge.tree.size === 0 ? [] : await storage.records(edge.tree.size - 1, 1)
    lastTime = Math.max(lastTime, last[0]?.at ?? 0)
    if (head === undefined) stored = sign(edge.tree)
    else {
      openHead(head, { name, verifiers })
      const signed = sign(edge.tree)
      if (!Buffer.from(signed.note).equals(head.note)) await storage.sign(head.size, signed.note)
      stored = signed
    }
  }

  /** The mark first: a head that somebody has seen is never unknown to it. */
  async function show(): Promise<void> {
    const head = stored
    const written = marking.then(() => mark.write(head.note))
    marking = written.catch(() => undefined) // told below, or too late for anybody
    await inTime(written, markDeadline)
    shown = head
    for (const listener of listeners) listener(shown)
  }

  /** Nobody else writes to the log, so that what was shown is still the beginning of it. */
  async function recover(): Promise<void> {
    await load()
    if (stored.size < shown.size || !equalHashes(await treeHash(shown.size, hashes), shown.root))
      throw new ModsteadError(
        'log_refused',
        `the log ${name} has lost or changed records while it was open`,
        {
          next: 'stop modstead and look at its disk; docs/checksum-database.md says how to go on',
        },
      )
    unsure = false
  }

  async function write(batch: readonly Pending[]): Promise<void> {
    const fresh: Pending[] = []
    for (const pending of batch) {
      const id = await storage.find(pending.entry.module, pending.entry.version)
      if (id === undefined) fresh.push(pending)
      else pending.settle.resolve(id)
    }
    if (fresh.length === 0) return
    const { edge: next, tiles } = edge.grow(fresh.map(({ entry }) => recordHash(entry.record)))
    const head = sign(next.tree)
    const { size, hash: root } = edge.tree
    const at = (lastTime = Math.max(lastTime, now()))
    unsure = true
    const entries = fresh.map(({ entry }) => entry)
    await storage.append({ size, root, at, entries, tiles: tiles.map(asRow), head })
    unsure = false
    edge = next
    stored = head
    await show()
    for (const [i, { settle }] of fresh.entries()) settle.resolve(size + i)
  }

  async function work(): Promise<void> {
    // Those who come in the same turn of the event loop go together.
    await Promise.resolve()
    do {
      const batch = Array.from(queue.values()).slice(0, LARGEST_BATCH)
      const done = Promise.withResolvers<void>()
      batchDone = done.promise
      try {
        if (refusal !== undefined) throw refusal
        if (unsure) await recover()
        if (stored !== shown) await show()
        await write(batch)
        failing = undefined
      } catch (error) {
        failing = error instanceof Error ? error.message : String(error)
        options.log.error({ err: error, log: name }, 'records could not be added to the checksum log')
        for (const { settle } of batch) settle.reject(error)
      }
      for (const { entry } of batch) queue.delete(keyOf(entry))
      done.resolve()
    } while (queue.size > 0 && !closed.signal.aborted)
    for (const { settle } of queue.values()) settle.reject(shuttingDown())
    queue.clear()
    working = undefined
  }

  /** Shows what is stored, and adds what waits: settles with the batch that is being written, or is next. */
  async function step(): Promise<void> {
    working ??= work()
    await Promise.resolve()
    await batchDone
  }

  function noteDamage({ message }: ModsteadError): void {
    if (damage === undefined) options.log.error({ log: name, damage: message }, 'the checksum log is damaged')
    damage ??= message
    options.onDamage?.(message)
  }

  await load()
  const tree = edge!.tree
  await checkHighWater(mark, { name, tree, hashes, verifiers })
  await show()

  return {
    name,
    head: () => shown,
    hashes,
    async find(module, version) {
      const id = await storage.find(module, version)
      // Written, but the mark could not be told yet.
      if (id !== undefined && id >= shown.size) await step()
      return id !== undefined && id < shown.size ? id : undefined
    },
    async append(entry) {
      if (closed.signal.aborted) throw shuttingDown()
      const pending = queue.get(keyOf(entry)) ?? { entry, settle: Promise.withResolvers<number>() }
      queue.set(keyOf(entry), pending)
      working ??= work() // settles each entry, and never rejects
      return pending.settle.promise
    },
    async records(id, count) {
      const found = await storage.records(id, Math.min(count, Math.max(0, shown.size - id)))
      try {
        await checkRecords({ name, storage }, id, found)
      } catch (error) {
        if (error instanceof ModsteadError && error.code === 'log_refused') noteDamage(error)
        throw error
      }
      return found
    },
    problem: () => refusal?.message ?? damage ?? failing,
    async tile(tile) {
      const widest = widestTile(TILE_HEIGHT, tile.level, tile.index, shown.size)
      if (widest === undefined || tile.width > widest.width) return undefined
      const data = await storage.tile(tile.level, tile.index)
      return isFullTile(tile) ? data : data?.subarray(0, tile.width * 32)
    },
    refuse(error) {
      refusal ??= error
    },
    onHead(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      closed.abort()
      await working
    },
  }
}

async function inTime(work: Promise<void>, deadline: number): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const message = `the high-water mark of the checksum log could not be written within ${deadline / 1000} seconds`
    late.reject(new ModsteadError('store_unavailable', message, { next: 'look at the disk that it is on' }))
  }, deadline)
  try {
    await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

function asRow({ tile, data }: { tile: Tile; data: Uint8Array }): LogBatch['tiles'][number] {
  return { level: tile.level, index: tile.index, data }
}

function keyOf({ module, version }: LogEntry): string {
  return `${module}@${version}`
}

function shuttingDown(): ModsteadError {
  return new ModsteadError('shutting_down', 'this modstead is shutting down', { next: 'ask again' })
}
