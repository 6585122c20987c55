/**
 * Stored hashes read from tiles that strangers serve. Every tile is authenticated before a hash of it is used: the
 * tiles of the right edge together against the root of the tree, every other, being full, against its parent.
 */
import { GomodError } from '../error.ts'
import { equalHashes, HASH_SIZE, subtreeHash, type Hash } from './hash.ts'
import { storedHashCount } from './index.ts'
import {
  edgeTiles,
  hashFromTile,
  isFullTile,
  rootInParent,
  tileForIndex,
  tilePath,
  tileRoots,
  widestTile,
  type Tile,
} from './tile.ts'
import { joinSubtrees, type HashReader, type Tree } from './tree.ts'

/** Gives tiles of one height. Nothing it gives is trusted. */
export interface TileReader {
  readonly height: number
  /** The bytes of each tile, in their order. */
  readTiles(tiles: readonly Tile[]): Promise<readonly Uint8Array[]>
  /** Called with tiles that `readTiles` gave, once they are authenticated: now they may be kept. */
  saveTiles?(tiles: readonly Tile[], data: readonly Uint8Array[]): Promise<void> | void
}

/**
 * A reader of the stored hashes of `tree`, from tiles. Each call reads, with one call of `readTiles`, the tiles it
 * needs to authenticate what it gives. It throws GomodError `unverified_tile` where tiles do not belong to the tree,
 * `tile_not_found` where the tree has no hash with such an index, and what the tile reader throws.
 */
export function tileHashReader(tree: Tree, reader: TileReader): HashReader {
  return async (indexes) => {
    const tiles = tilesToRead(tree.size, reader.height, indexes)
    const list = [...tiles.values()]
    const data = await reader.readTiles(list)
    if (data.length !== list.length)
      throw new RangeError(`${data.length} tiles were given where ${list.length} are needed`)
    const bytes = new Map(Array.from(tiles.keys(), (key, i) => [key, data[i]!]))
    authenticateEdge(tree, reader.height, data)
    for (const tile of list.filter(isFullTile))
      authenticateFullTile(tile, bytes.get(keyOf(tile))!, bytes.get(keyOf(parentOf(tile)))!)
    await reader.saveTiles?.(list, data)
    return indexes.map((index): Hash => {
      const key = keyOf(tileForIndex(reader.height, index))
      return hashFromTile(tiles.get(key)!, bytes.get(key)!, index)
    })
  }
}

/**
 * Authenticates the tiles of the right edge, as `edgeTiles` lists them: each must have the size it should, and all
 * together the root of `tree`. `data` may have more behind them. Throws GomodError `unverified_tile`: then at least
 * one of them is wrong, and nothing tells which.
 */
export function authenticateEdge(tree: Tree, height: number, data: readonly Uint8Array[]): void {
  const tiles = edgeTiles(height, tree.size)
  for (const [i, tile] of tiles.entries()) checkTileSize(tile, data[i]!)
  const root = joinSubtrees(tiles.flatMap((tile, i) => tileRoots(tile, data[i]!)))
  if (equalHashes(root, tree.hash)) return
  const names = tiles.map(tilePath).join(', ') || 'no tiles'
  throw new GomodError('unverified_tile', `the tree head of size ${tree.size} does not fit ${names}`)
}

/** Authenticates a full tile against the bytes, authenticated before, of its parent. Throws `unverified_tile`. */
export function authenticateFullTile(tile: Tile, data: Uint8Array, parent: Uint8Array): void {
  checkTileSize(tile, data)
  if (!equalHashes(subtreeHash(data), rootInParent(tile, parent)))
    throw new GomodError(
      'unverified_tile',
      `the contents of ${tilePath(tile)} are not those of the signed log`,
    )
}

/** Edge tiles first, then for each index its tile and that tile's ancestors, none twice. */
function tilesToRead(size: number, height: number, indexes: readonly number[]): Map<string, Tile> {
  const tiles = new Map(edgeTiles(height, size).map((tile) => [keyOf(tile), tile]))
  for (const index of indexes) {
    if (!(index >= 0 && index < storedHashCount(size)))
      throw new GomodError('tile_not_found', `a tree of size ${size} has no stored hash ${index}`)
    let at: Position = tileForIndex(height, index)
    while (!tiles.has(keyOf(at))) {
      // Every ancestor is in the tree, for what is not full is on the edge and known already.
      tiles.set(keyOf(at), widestTile(height, at.level, at.index, size)!)
      at = parentOf({ height, ...at })
    }
  }
  return tiles
}

interface Position {
  readonly level: number
  readonly index: number
}

function parentOf({ height, level, index }: Position & { readonly height: number }): Position {
  return { level: level + 1, index: Math.floor(index / 2 ** height) }
}

/** Which tile it is, whatever its width: a tree has each in one width only. */
function keyOf({ level, index }: Position): string {
  return `${level}/${index}`
}

function checkTileSize(tile: Tile, data: Uint8Array): void {
  if (data.length !== tile.width * HASH_SIZE)
    throw new GomodError(
      'unverified_tile',
      `${tilePath(tile)} has ${data.length} bytes where ${tile.width * HASH_SIZE} are needed`,
    )
}
