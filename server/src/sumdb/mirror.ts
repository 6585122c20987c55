/**
 * A mirror of another checksum database: everything it gives was verified against the database's signed head and is
 * kept for ever. Failures: `not_found`, `checksum_unavailable`, `checksum_mismatch`, `bad_path`.
 */
export interface SumdbMirror {
  readonly name: string
  /** A signed head the mirror has verified; asked of the database when the one at hand is older than a minute. */
  latest(signal: AbortSignal): Promise<Buffer>
  /** The body of `/lookup/<module>@<version>`, names unescaped. */
  lookup(module: string, version: string, signal: AbortSignal): Promise<Buffer>
  /** A hash tile or data tile by its path after `/tile/`, e.g. `8/0/x001/234` or `8/1/005.p/17`. */
  tile(path: string, signal: AbortSignal): Promise<Buffer>
}
