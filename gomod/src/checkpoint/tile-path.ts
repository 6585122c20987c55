/**
 * Where a log publishes its tiles for those who read C2SP's tlog-tiles: `tile/<L>/<N>`, with `.p/<W>` where a tile is
 * not full. They are the tiles of checksum databases, whose paths name the height, always 8 here, and say `data` for
 * what tlog-tiles calls `entries`. The contents of hash tiles are the same; those of entries are in `entry-bundle`.
 */
import { GomodError } from '../error.ts'
import { shown } from '../quote.ts'
import { DATA_LEVEL, parseTilePath, tilePath, type Tile } from '../tlog/tile.ts'

/** The height of all tiles of tlog-tiles. */
export const TLOG_TILE_HEIGHT = 8

/** The tile's path below the log's prefix, without a slash in front. Throws GomodError `invalid_tile` for another height. */
export function tlogTilePath(tile: Tile): string {
  if (tile.height !== TLOG_TILE_HEIGHT)
    throw new GomodError('invalid_tile', `a tile of height ${tile.height} has no path: the height must be 8`)
  const rest = tilePath(tile).split('/').slice(3).join('/')
  return `tile/${tile.level === DATA_LEVEL ? 'entries' : tile.level}/${rest}`
}

/** Reads a tile's path. Throws GomodError `invalid_tile` for anything that `tlogTilePath` does not write. */
export function parseTlogTilePath(path: string): Tile {
  const [, level, rest] = /^tile\/(entries|[0-9]{1,2})\/([^]*)$/.exec(path) ?? []
  try {
    if (level !== undefined)
      return parseTilePath(`tile/${TLOG_TILE_HEIGHT}/${level === 'entries' ? 'data' : level}/${rest}`)
  } catch (cause) {
    throw malformed(path, cause)
  }
  throw malformed(path)
}

function malformed(path: string, cause?: unknown): GomodError {
  return new GomodError(
    'invalid_tile',
    `${shown(path)} is not the path of a tile, such as tile/0/x001/234.p/5 or tile/entries/000`,
    { cause },
  )
}
