/** What a mirror needs of the outside; `origin/` and `store/` implement it. */

export interface ReadOptions {
  signal: AbortSignal
  priority: 'client' | 'background'
  /** The `Modstead-Via` header of the request on whose behalf this is read: passed on, so that loops are seen. */
  via?: string
}

/** Reads files of the checksum database, e.g. `/lookup/…`, through whatever way there is to it. */
export interface SumdbRemote {
  /** Throws `not_found` where the database says so, `checksum_unavailable` where it cannot be reached now. */
  read(path: string, options: ReadOptions): Promise<Buffer>
}

/** Where a mirror keeps what it has verified. Paths are those of the protocol without the leading slash. */
export interface SumdbFiles {
  readCache(path: string): Promise<Buffer | undefined>
  /** Losing a cached file is harmless; half a file must never be seen. */
  writeCache(path: string, bytes: Uint8Array): Promise<void>
  /** The signed head seen last. */
  readHead(): Promise<Buffer | undefined>
  /** Durable, and refused with `conflict` where the head at hand is not `old`. */
  writeHead(old: Uint8Array | undefined, head: Uint8Array): Promise<'ok' | 'conflict'>
}
