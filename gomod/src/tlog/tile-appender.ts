/**
 * A log that grows, as the tiles in which it is stored. Of all its tiles only those at the right edge change, at most
 * one a level, so that they are all that is remembered.
 */
import { HASH_SIZE, type Hash } from './hash.ts'
import { authenticateEdge } from './tile-reader.ts'
import { edgeTiles, fullWidth, hashFromTile, tileForIndex, tileRoots, type Tile } from './tile.ts'
import { createAppender, type Tree } from './tree.ts'

/** A hash tile and its bytes. */
export interface TileData {
  readonly tile: Tile
  readonly data: Uint8Array
}

/** The right edge of a log. It never changes: growing gives another. */
export interface TileEdge {
  readonly tree: Tree
  /**
   * The edge after these records, and every hash tile that is new or wider than before: each as wide as it is now, so
   * one that was filled on the way is there in its full width only.
   */
  grow(recordHashes: readonly Hash[]): { edge: TileEdge; tiles: TileData[] }
}

/**
 * The edge of the log under `tree`. `data` has the bytes of `edgeTiles(height, tree.size)`, in their order. Throws
 * GomodError `unverified_tile` where they are not those of that tree.
 */
export function createTileEdge(height: number, tree: Tree, data: readonly Uint8Array[]): TileEdge {
  authenticateEdge(tree, height, data)
  const tiles = edgeTiles(height, tree.size)
  const roots = tiles.flatMap((tile, i) => tileRoots(tile, data[i]!))
  const partial = new Map(tiles.map((tile, i) => [tile.level, data[i]!.subarray(0, tile.width * HASH_SIZE)]))
  return edgeOf(height, tree, roots, partial)
}

function edgeOf(
  height: number,
  tree: Tree,
  roots: readonly Hash[],
  partial: ReadonlyMap<number, Uint8Array>,
): TileEdge {
  const full = fullWidth(height)
  return {
    tree,
    grow(recordHashes) {
      const appender = createAppender(tree.size, roots)
      const added = new Map<number, Hash[]>()
      for (const hash of recordHashes)
        for (const [treeLevel, node] of appender.append(hash).entries()) {
          if (treeLevel % height !== 0) continue
          const level = treeLevel / height
          const hashes = added.get(level)
          if (hashes === undefined) added.set(level, [node])
          else hashes.push(node)
        }
      const tiles: TileData[] = []
      const edges = new Map(partial)
      for (const [level, hashes] of added) {
        const before = Math.floor(tree.size / full ** level)
        const all = Buffer.concat([partial.get(level) ?? Buffer.alloc(0), ...hashes])
        const first = Math.floor(before / full)
        for (let start = 0; start < all.length; start += full * HASH_SIZE) {
          const data = all.subarray(start, start + full * HASH_SIZE)
          const index = first + start / (full * HASH_SIZE)
          tiles.push({ tile: { height, level, index, width: data.length / HASH_SIZE }, data })
        }
        const rest = all.length % (full * HASH_SIZE)
        if (rest === 0) edges.delete(level)
        else edges.set(level, all.subarray(all.length - rest))
      }
      return { edge: edgeOf(height, appender.tree(), appender.roots(), edges), tiles }
    },
  }
}

/** A hash reader over tiles that are one's own, and believed. `read` gives a tile as wide as `tile` at least. */
export function ownTileReader(
  height: number,
  read: (tile: Tile) => Promise<Uint8Array>,
): (indexes: readonly number[]) => Promise<Hash[]> {
  return (indexes) =>
    Promise.all(
      indexes.map(async (index) => {
        const tile = tileForIndex(height, index)
        return hashFromTile(tile, await read(tile), index)
      }),
    )
}
