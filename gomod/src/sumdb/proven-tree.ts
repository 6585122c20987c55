/**
 * The tree under one signed head, tile by tile. A tile is proven when it is first needed: those of the right edge
 * together against the root, any other against its parent, which is proven in the meantime. Each is fetched once,
 * however many wait for it.
 */
import { GomodError } from '../error.ts'
import { HASH_SIZE } from '../tlog/hash.ts'
import { storedHashCount } from '../tlog/index.ts'
import {
  edgeTiles,
  fullWidth,
  hashFromTile,
  isFullTile,
  tileForIndex,
  tilePath,
  widestTile,
  type Tile,
} from '../tlog/tile.ts'
import { authenticateEdge, authenticateFullTile } from '../tlog/tile-reader.ts'
import type { HashReader, Tree } from '../tlog/tree.ts'
import type { ReadTileOptions, TileBytes } from './tile-source.ts'
import { createFlights } from './waiting.ts'

export interface ProvenTree {
  readonly tree: Tree
  /**
   * Proven bytes of a hash tile, as many as the tree has. Throws GomodError `tile_not_found` where it has none,
   * `unverified_tile` where what is served does not belong to the tree, and what reading tiles throws.
   */
  tile(level: number, index: number, signal: AbortSignal): Promise<Uint8Array>
  /** Proves the right edge, and with it that tiles and head belong together. Throws as `tile`. */
  proveEdge(signal: AbortSignal): Promise<void>
  /** Proven bytes of a tile, of exactly its width, where they are at hand. */
  peek(tile: Tile): Uint8Array | undefined
  /** Stored hashes, all proven. Throws as `tile`. */
  hashes(signal: AbortSignal): HashReader
}

export interface ProvenTreeOptions {
  readonly tree: Tree
  /** Tile height. */
  readonly height: number
  /** Gives bytes that nothing is known of. */
  read(tile: Tile, options: ReadTileOptions): Promise<TileBytes>
  /** Full tiles proven before, and still remembered. */
  recall(tile: Tile): Uint8Array | undefined
  /** Is given each tile once it is proven. */
  keep(tile: Tile, bytes: TileBytes): Promise<void>
}

export function createProvenTree({ tree, height, read, recall, keep }: ProvenTreeOptions): ProvenTree {
  const share = createFlights<Uint8Array>()
  const shareEdge = createFlights<ReadonlyMap<number, Uint8Array>>()
  /** The bytes of the edge tiles by level. */
  let edge: ReadonlyMap<number, Uint8Array> | undefined

  return {
    tree,
    tile,
    peek(tile) {
      const data = isFullTile(tile) ? recall(tile) : edge?.get(tile.level)
      const known = widestTile(height, tile.level, tile.index, tree.size)
      return known?.width === tile.width ? data : undefined
    },
    async proveEdge(signal) {
      await readEdge(signal)
    },
    hashes: (signal) => (indexes) => Promise.all(indexes.map((index) => readHash(index, signal))),
  }

  async function tile(level: number, index: number, signal: AbortSignal): Promise<Uint8Array> {
    const wanted = widestTile(height, level, index, tree.size)
    if (wanted === undefined)
      throw new GomodError(
        'tile_not_found',
        `the log of ${tree.size} records has no tile ${index} of level ${level}`,
      )
    if (!isFullTile(wanted)) return (await readEdge(signal)).get(level)!
    return recall(wanted) ?? share(tilePath(wanted), signal, (signal) => proveFullTile(wanted, signal))
  }

  async function readHash(index: number, signal: AbortSignal) {
    if (!(index >= 0 && index < storedHashCount(tree.size)))
      throw new GomodError('tile_not_found', `the log of ${tree.size} records has no stored hash ${index}`)
    const { level, index: tileIndex } = tileForIndex(height, index)
    const data = await tile(level, tileIndex, signal)
    return hashFromTile({ height, level, index: tileIndex, width: data.length / HASH_SIZE }, data, index)
  }

  function readEdge(signal: AbortSignal): Promise<ReadonlyMap<number, Uint8Array>> {
    return edge === undefined ? shareEdge('edge', signal, proveEdgeTiles) : Promise.resolve(edge)
  }

  async function proveEdgeTiles(signal: AbortSignal): Promise<ReadonlyMap<number, Uint8Array>> {
    const tiles = edgeTiles(height, tree.size)
    const data = await prove(tiles, signal, (data) => authenticateEdge(tree, height, data))
    edge = new Map(tiles.map(({ level }, i) => [level, data[i]!]))
    return edge
  }

  async function proveFullTile(wanted: Tile, signal: AbortSignal): Promise<Uint8Array> {
    const parent = tile(wanted.level + 1, Math.floor(wanted.index / fullWidth(height)), signal)
    const check = ([data]: readonly Uint8Array[], parent: Uint8Array | undefined) =>
      authenticateFullTile(wanted, data!, parent!)
    const [data] = await prove([wanted], signal, check, parent)
    return data!
  }

  /**
   * Reads tiles, and their parent beside them, until `check` passes: what the cache had is asked of the database once,
   * for caches can be polluted.
   */
  async function prove(
    tiles: readonly Tile[],
    signal: AbortSignal,
    check: (data: readonly Uint8Array[], parent: Uint8Array | undefined) => void,
    parent?: Promise<Uint8Array>,
  ): Promise<readonly Uint8Array[]> {
    const reads = tiles.map((tile) => read(tile, { signal, fresh: false }))
    let [parentData, ...answers] = await Promise.all([parent, ...reads])
    try {
      check(answers.map(dataOf), parentData)
    } catch (error) {
      if (!answers.some(({ cached }) => cached)) throw error
      const rereads = answers.map(async (answer, i) =>
        answer.cached ? read(tiles[i]!, { signal, fresh: true }) : answer,
      )
      answers = await Promise.all(rereads)
      check(answers.map(dataOf), parentData)
    }
    await Promise.all(answers.map((answer, i) => keep(tiles[i]!, answer)))
    return answers.map(dataOf)
  }
}

function dataOf({ data }: TileBytes): Uint8Array {
  return data
}
