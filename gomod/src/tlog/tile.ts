/**
 * Tiles: the hashes of a log cut into files that never change once they are full. A tile of height h holds up to 2^h
 * hashes of one level of the tree, side by side; tile levels are h tree levels apart, since a tile's own hashes give
 * all those between. Full tiles have a parent, the tile a level up that holds their root; what is not full is the
 * right edge of the tree, at most one tile a level.
 *
 * A tile's path is `tile/H/L/NNN`, with `.p/W` at its end where it holds W < 2^h hashes; the number N is written in
 * groups of three digits, as in `tile/8/0/x001/x234/067.p/17`. Level `data` holds records instead of hashes.
 */
import { GomodError } from '../error.ts'
import { shown } from '../quote.ts'
import { HASH_SIZE, hashAt, subtreeHash, type Hash } from './hash.ts'
import { powerOfTwoUpTo, splitStoredHashIndex, storedHashIndex } from './index.ts'
import { readHashes, type HashReader } from './tree.ts'

export interface Tile {
  /** 1 to 30; checksum databases have 8. */
  readonly height: number
  /** From 0 at the records' hashes to 63, or DATA_LEVEL for the records themselves. */
  readonly level: number
  /** Number within the level, from 0. */
  readonly index: number
  /** Hashes (or records) in it: 1 to 2^height. */
  readonly width: number
}

/** The level of tiles that hold records. */
export const DATA_LEVEL = -1

/** The hashes of a full tile. */
export function fullWidth(height: number): number {
  return 2 ** height
}

/** Whether the tile is full. */
export function isFullTile(tile: Tile): boolean {
  return tile.width === fullWidth(tile.height)
}

/** The tile's path, without a slash in front. */
export function tilePath(tile: Tile): string {
  const digits = String(tile.index)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g)!
  const number = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/')
  const level = tile.level === DATA_LEVEL ? 'data' : tile.level
  return `tile/${tile.height}/${level}/${number}${isFullTile(tile) ? '' : `.p/${tile.width}`}`
}

/** Reads a tile's path. Throws GomodError `invalid_tile` for anything that `tilePath` does not write. */
export function parseTilePath(path: string): Tile {
  const [, height, level, number, width] = TILE_PATH.exec(path) ?? []
  if (height === undefined || level === undefined || number === undefined) throw malformedPath(path)
  const tile = {
    height: Number(height),
    level: level === 'data' ? DATA_LEVEL : Number(level),
    index: Number(number.replace(/[x/]/g, '')),
    width: width === undefined ? fullWidth(Number(height)) : Number(width),
  }
  if (!isTile(tile) || tilePath(tile) !== path) throw malformedPath(path)
  return tile
}

/** The tile of the least width that has the stored hash `index`. */
export function tileForIndex(height: number, index: number): Tile {
  return locate(height, index).tile
}

/**
 * The hash with the stored-hash `index`, from the bytes `data` of a tile that has it. Throws GomodError `invalid_tile`
 * where the tile cannot have it, or `data` is too short.
 */
export function hashFromTile(tile: Tile, data: Uint8Array, index: number): Hash {
  if (!isTile(tile) || tile.level === DATA_LEVEL)
    throw new GomodError('invalid_tile', `${shown(tilePath(tile))} is not a hash tile`)
  if (data.length < tile.width * HASH_SIZE)
    throw new GomodError('invalid_tile', `${data.length} bytes are too few for ${tilePath(tile)}`)
  const { tile: least, start } = locate(tile.height, index)
  if (tile.level !== least.level || tile.index !== least.index || tile.width < least.width)
    throw new GomodError('invalid_tile', `hash ${index} is in ${tilePath(least)}, not in ${tilePath(tile)}`)
  return subtreeHash(data.subarray(start * HASH_SIZE, least.width * HASH_SIZE))
}

/** The tiles to publish when a log grows from `oldSize` to `newSize` records: those new or wider than before. */
export function newTiles(height: number, oldSize: number, newSize: number): Tile[] {
  const full = fullWidth(height)
  const tiles: Tile[] = []
  for (let level = 0, scale = 1; newSize >= scale; level++, scale *= full) {
    const oldCount = Math.floor(oldSize / scale)
    const newCount = Math.floor(newSize / scale)
    if (oldCount === newCount) continue
    for (let index = Math.floor(oldCount / full); index * full < newCount; index++)
      tiles.push({ height, level, index, width: Math.min(full, newCount - index * full) })
  }
  return tiles
}

/** Reads the bytes of a hash tile from stored hashes. Throws what `reader` throws. */
export async function readTileData(tile: Tile, reader: HashReader): Promise<Uint8Array> {
  const first = tile.index * fullWidth(tile.height)
  const indexes = Array.from({ length: tile.width }, (_, i) =>
    storedHashIndex(tile.height * tile.level, first + i),
  )
  return Buffer.concat(await readHashes(reader, indexes))
}

/** The tile number `index` of `level` as wide as a log of `size` records has it; `undefined` where it has none. */
export function widestTile(height: number, level: number, index: number, size: number): Tile | undefined {
  const full = fullWidth(height)
  const count = Math.floor(size / full ** Math.max(level, 0))
  const width = Math.min(full, count - index * full)
  return width > 0 ? { height, level, index, width } : undefined
}

/** The tiles of a log of `size` records that are not full, the highest level first. Only these have no parent. */
export function edgeTiles(height: number, size: number): Tile[] {
  const full = fullWidth(height)
  const tiles: Tile[] = []
  for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / full)) {
    if (count % full !== 0)
      tiles.unshift({ height, level, index: Math.floor(count / full), width: count % full })
  }
  return tiles
}

/** The roots of the perfect subtrees side by side in a tile, largest first. One that is full has one root. */
export function tileRoots(tile: Tile, data: Uint8Array): Hash[] {
  const roots: Hash[] = []
  for (let start = 0; start < tile.width;) {
    const end = start + powerOfTwoUpTo(tile.width - start)
    roots.push(subtreeHash(data.subarray(start * HASH_SIZE, end * HASH_SIZE)))
    start = end
  }
  return roots
}

/** The root that a full tile must have, from the bytes of its parent. */
export function rootInParent(tile: Tile, parent: Uint8Array): Hash {
  return hashAt(parent, tile.index % fullWidth(tile.height))
}

const TILE_PATH =
  /^tile\/([1-9][0-9]?)\/(data|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]*))?$/
const MAX_HEIGHT = 30
const MAX_LEVEL = 63

/** The tile of least width with the stored hash `index`, and the first of its hashes below that one. */
function locate(height: number, index: number): { tile: Tile; start: number } {
  const { level: treeLevel, n } = splitStoredHashIndex(index)
  const level = Math.floor(treeLevel / height)
  const span = 2 ** (treeLevel % height)
  const tileIndex = Math.floor((n * span) / fullWidth(height))
  const start = n * span - tileIndex * fullWidth(height)
  return { tile: { height, level, index: tileIndex, width: start + span }, start }
}

function isTile({ height, level, index, width }: Tile): boolean {
  return (
    [height, level, index, width].every(Number.isSafeInteger) &&
    height >= 1 &&
    height <= MAX_HEIGHT &&
    level >= DATA_LEVEL &&
    level <= MAX_LEVEL &&
    index >= 0 &&
    width >= 1 &&
    width <= fullWidth(height)
  )
}

function malformedPath(path: string): GomodError {
  return new GomodError(
    'invalid_tile',
    `${shown(path)} is not the path of a tile, such as tile/8/0/x001/234.p/5`,
  )
}
