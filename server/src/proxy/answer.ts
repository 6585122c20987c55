import type { ModulePath } from '@modstead/gomod/path'
import type { Realm } from './store.ts'

/** A stored file. Immutable: what it names never changes while it is open to readers. */
export interface StoredFile {
  /** Bytes. */
  size: number
  modified: Date
  /** The local path, where the store has one: the fastest way to send it. */
  path?: string
  /** The whole file; only for what is known to be small. */
  bytes(): Promise<Buffer>
  /** Bytes `start` (inclusive) to `end` (exclusive). */
  stream(start: number, end: number): AsyncIterable<Uint8Array>
}

/** A zip at rest, with the hex SHA-256 of its bytes where known. */
export interface StoredZip {
  file: StoredFile
  sha256: string | undefined
}

/**
 * A zip that is still arriving. The chunks end only after the zip was verified and committed; the last bytes are
 * held back until then, and on failure the iteration throws, so that no client ever takes it for whole.
 */
export interface LiveZip {
  /** Bytes, where the origin said so. */
  size?: number
  /** A reader of its own for each client, from the first byte. Chunks are shared and must not be changed. */
  chunks(signal: AbortSignal): AsyncIterable<Uint8Array>
  /** Settles when the zip is verified and stored, or rejects with the reason why it is not. */
  stored: Promise<StoredZip>
}

export type AnswerBody =
  | { kind: 'bytes'; bytes: Buffer }
  | { kind: 'file'; file: StoredFile }
  | { kind: 'live'; zip: LiveZip }

/** What the proxy room gives for a request that succeeds. Failures are thrown as `ModsteadError`. */
export interface Answer {
  module: ModulePath
  contentType: 'text/plain; charset=utf-8' | 'application/json' | 'application/zip'
  body: AnswerBody
  /** Hex SHA-256 of the body's bytes where known: the strong ETag. */
  sha256?: string
  modified?: Date
  /**
   * How long the answer holds. `immutable`: for ever. Otherwise it may be given again without asking the proxy
   * room until `until` (milliseconds since the epoch), and HTTP caches are told `fresh` and `stale` seconds.
   */
  life: 'immutable' | { until: number; fresh: number; stale: number }
  /** Where it is kept. */
  realm: Realm
  /** Private answers carry `Cache-Control: private`. */
  private: boolean
  /** To be called each time a remembered copy of this answer is given, with the client's identity. Cheap. */
  given?(client: object): void
}
