/**
 * The answers of a checksum database, without a server around them: what the paths `/latest`, `/lookup/…` and
 * `/tile/…` give, from the records and hashes that SumdbServerOps reads. The rules are those of
 * golang.org/x/mod/sumdb's server.
 */
import { formatDataTile } from '../tlog/record.ts'
import { DATA_LEVEL, fullWidth, parseTilePath, type Tile } from '../tlog/tile.ts'
import { formatLookup, parseLookupPath } from './lookup.ts'

/** What the answers are made of. Absence is `undefined`. */
export interface SumdbServerOps {
  /** The signed tree head: of a tree that has every record whose id `lookup` gave before. */
  signed(signal: AbortSignal): Promise<Uint8Array>
  /** The texts of the `n` records from `id` on; fewer where the log ends before. */
  readRecords(id: number, n: number, signal: AbortSignal): Promise<readonly Uint8Array[]>
  /** The id of a version's record, which may be logged by this very call. */
  lookup(path: string, version: string, signal: AbortSignal): Promise<number | undefined>
  /** The bytes of a hash tile of exactly this width. */
  readTileData(tile: Tile, signal: AbortSignal): Promise<Uint8Array | undefined>
}

export interface SumdbAnswer {
  readonly contentType: 'text/plain; charset=UTF-8' | 'application/octet-stream'
  readonly body: Uint8Array
}

/**
 * Answers a path, percent-decoded, from the root of the database. `undefined`: there is no such thing (404). Throws
 * GomodError `invalid_tile`, `invalid_lookup`, `invalid_path`, `invalid_version`, `invalid_escape` for paths that
 * mean nothing (400), and what `ops` throws.
 */
export async function answerSumdb(
  ops: SumdbServerOps,
  path: string,
  signal: AbortSignal,
): Promise<SumdbAnswer | undefined> {
  if (path === '/latest') return text(await ops.signed(signal))
  if (path.startsWith('/lookup/')) return answerLookup(ops, path, signal)
  if (path.startsWith('/tile/')) return answerTile(ops, parseTilePath(path.slice(1)), signal)
  return undefined
}

async function answerLookup(
  ops: SumdbServerOps,
  lookup: string,
  signal: AbortSignal,
): Promise<SumdbAnswer | undefined> {
  const { path, version } = parseLookupPath(lookup)
  const id = await ops.lookup(path, version, signal)
  if (id === undefined) return undefined
  const [record] = await ops.readRecords(id, 1, signal)
  if (record === undefined)
    throw new RangeError(`record ${id} of ${path}@${version} was found but cannot be read`)
  // The head last, so that it is one that has the record.
  return text(formatLookup({ id, record, note: await ops.signed(signal) }))
}

async function answerTile(
  ops: SumdbServerOps,
  tile: Tile,
  signal: AbortSignal,
): Promise<SumdbAnswer | undefined> {
  if (tile.level !== DATA_LEVEL) {
    const body = await ops.readTileData(tile, signal)
    return body && { contentType: 'application/octet-stream', body }
  }
  const records = await ops.readRecords(tile.index * fullWidth(tile.height), tile.width, signal)
  return records.length === tile.width ? text(formatDataTile(records)) : undefined
}

function text(body: Uint8Array): SumdbAnswer {
  return { contentType: 'text/plain; charset=UTF-8', body }
}
