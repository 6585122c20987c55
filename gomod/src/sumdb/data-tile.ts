/** Data tiles: the records of a log in groups, verified against the proven hashes of the hash tile beside them. */
import { GomodError } from '../error.ts'
import { equalHashes, hashAt, recordHash } from '../tlog/hash.ts'
import { parseDataTile } from '../tlog/record.ts'
import { tilePath, type Tile } from '../tlog/tile.ts'

/** Throws GomodError `unverified_tile` unless `data` holds exactly the records whose hashes begin `hashes`. */
export function authenticateDataTile(tile: Tile, data: Uint8Array, hashes: Uint8Array): void {
  const records = parse(tile, data)
  if (records.length !== tile.width)
    throw new GomodError(
      'unverified_tile',
      `${tilePath(tile)} has ${records.length} records where ${tile.width} are needed`,
    )
  const wrong = records.findIndex((record, i) => !equalHashes(recordHash(record), hashAt(hashes, i)))
  if (wrong >= 0)
    throw new GomodError(
      'unverified_tile',
      `record ${wrong} of ${tilePath(tile)} is not that of the signed log`,
    )
}

/** The first `tile.width` records of a wider data tile. Throws GomodError `unverified_tile` where it has fewer. */
export function cutDataTile(tile: Tile, wider: Uint8Array): Uint8Array {
  const records = parse(tile, wider)
  if (records.length < tile.width)
    throw new GomodError('unverified_tile', `${records.length} records are too few for ${tilePath(tile)}`)
  // A blank line follows each record.
  const length = records.slice(0, tile.width).reduce((sum, record) => sum + record.length + 1, 0)
  return wider.subarray(0, length)
}

function parse(tile: Tile, data: Uint8Array): Uint8Array[] {
  try {
    return parseDataTile(data)
  } catch (cause) {
    throw new GomodError('unverified_tile', `${tilePath(tile)} does not consist of records`, { cause })
  }
}
