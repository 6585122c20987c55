/** What a mirror needs of the outside; `origin/` and `store/` implement it. */

import type { OriginOptions } from '../proxy/origin.ts'

/** Reads files of the checksum database, e.g. `/lookup/…`, through whatever way there is to it. */
export interface SumdbRemote {
  /** Throws `not_found` where the database says so, `checksum_unavailable` where it cannot be reached now. */
  read(path: string, options: OriginOptions): Promise<Buffer>
}

/** Where a mirror keeps what it has verified. Paths are those of the protocol without the leading slash. */
export interface SumdbFiles {
  /** A hash tile that is narrower than one at hand is a part of that. */
  readCache(path: string): Promise<Buffer | undefined>
  /**
   * Half a file must never be seen. What is `lasting` survives a power cut once this settles; losing another file is
   * harmless.
   */
  writeCache(path: string, bytes: Uint8Array, options: { lasting: boolean }): Promise<void>
  /** The signed head seen last. */
  readHead(): Promise<Buffer | undefined>
  /** Durable, and refused with `conflict` where the head at hand is not `old`. */
  writeHead(old: Uint8Array | undefined, head: Uint8Array): Promise<'ok' | 'conflict'>
}
