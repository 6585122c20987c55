import type { Hash } from '@modstead/gomod/tlog/hash'

/** The height of all tiles: what `go` asks for. */
export const TILE_HEIGHT = 8

/** A tree head of our log, and the note in which we signed it. */
export interface StoredHead {
  /** Records under it. */
  size: number
  /** Root hash over them. */
  root: Hash
  note: Uint8Array
}

export interface LogEntry {
  module: string
  version: string
  /** The text of its record: the lines for go.sum. */
  record: Uint8Array
}

export interface LoggedRecord {
  /** Milliseconds since the epoch; never below that of the record before. */
  at: number
  record: Uint8Array
}

/** What the log grows by in one step. */
export interface LogBatch {
  /** How many records the log has before, and the root hash over them. */
  size: number
  root: Hash
  at: number
  entries: readonly LogEntry[]
  /** Every hash tile that is new or wider than before, whole, at `TILE_HEIGHT`. */
  tiles: readonly { level: number; index: number; data: Uint8Array }[]
  head: StoredHead
}

/** The log as those see it who do not write to it, while another process may. */
export type LogReader = Pick<LogStorage, 'head' | 'find' | 'records' | 'tile' | 'close'>

/** What grows a log by many batches at once. */
export interface LogGrowth extends Omit<LogReader, 'close'> {
  /** Adds a batch to what is there and to those added before, of which `find` knows from then on. */
  append(batch: TimedBatch): Promise<void>
}

/** A batch whose entries have times of their own, none below that before it. */
export interface TimedBatch extends LogBatch {
  times: readonly number[]
}

/**
 * Where the log is kept. Embedded it is SQLite, in a cluster PostgreSQL; nothing above may tell which. What a write
 * changed is on the disk when its promise settles. Failures of the medium are `store_unavailable`.
 */
export interface LogStorage {
  /** The newest head; absent where nothing was signed yet. */
  head(): Promise<StoredHead | undefined>
  /** The id of a version's record. */
  find(module: string, version: string): Promise<number | undefined>
  /** The records from `id` on, `count` at most; fewer where the log ends before. */
  records(id: number, count: number): Promise<LoggedRecord[]>
  /** A hash tile as wide as the log has it. */
  tile(level: number, index: number): Promise<Uint8Array | undefined>
  /**
   * Adds a batch, all of it or nothing; its versions have no records yet, which the caller sees to. Throws
   * `log_refused` where the log has not the size and root that the batch says: somebody else writes to it. After any other
   * failure the batch may be there or not, or come to be there later: `head` tells.
   */
  append(batch: LogBatch): Promise<void>
  /** Replaces the note of the newest head, which is of this size. Throws `log_refused` where it is of another. */
  sign(size: number, note: Uint8Array): Promise<void>
  close(): Promise<void>
}
