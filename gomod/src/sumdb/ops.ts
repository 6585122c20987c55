/**
 * What the checksum database client asks of the outside. It hands in everything that is read and takes everything
 * that is to be kept; paths are those of the database (`/lookup/…`, `/tile/…`, `/latest`). Byte arrays that change
 * hands belong to both sides from then on and are not written to.
 */
export interface SumdbOps {
  /**
   * Fetches a path of the database. Rejects for anything but its contents; rejections reach the client's caller
   * unchanged. It bounds time and size: nothing here waits less, and no answer is useful beyond a few megabytes.
   */
  readRemote(path: string, signal: AbortSignal): Promise<Uint8Array>
  /** The signed tree head that `writeHead` kept last; `undefined` where there is none yet. */
  readHead(): Promise<Uint8Array | undefined>
  /**
   * Replaces the kept head `old` by `next`, durably, unless another than `old` is kept by now: then it changes nothing
   * and says `conflict`. Losing the head loses the memory of what the database has committed to.
   */
  writeHead(old: Uint8Array | undefined, next: Uint8Array): Promise<'ok' | 'conflict'>
  /** What `writeCache` kept under this path, if it still has it. It is verified again before it is used. */
  readCache(path: string): Promise<Uint8Array | undefined>
  /**
   * Keeps what was verified. May drop it; when it rejects, so does the call that wanted it kept. What is `lasting` is
   * needed by a head that is kept next: it should survive whatever that head survives.
   */
  writeCache(path: string, bytes: Uint8Array, options: WriteCacheOptions): Promise<void>
  /**
   * Whether a rejection of `readRemote` says that the database cannot be reached now, and nothing about what it has.
   * Then a cached record counts that is proven, by cached tiles alone, under the signed head it came with: as soon as
   * the database answers again that head is joined with the others. Without this function no such record counts.
   */
  isAway?(error: unknown): boolean
  /**
   * The database has contradicted itself: a person must know. `message` explains it, in several lines, with the two
   * signed heads and the proof. The call that found it rejects besides.
   */
  onSecurityError(message: string): void
}

export interface WriteCacheOptions {
  readonly lasting: boolean
}
