/**
 * Whether the hash tiles of a log are those of its records and of its head, and which one is wrong where they are not.
 * A tile is compared with what stands below it: the hashes of its records, or the roots of its child tiles. Where the
 * two differ, what stands above tells which of them was changed: the parent's hash, or on the right edge the root.
 */
import { equalHashes, HASH_SIZE, hashAt, subtreeHash, type Hash } from '@modstead/gomod/tlog/hash'
import {
  edgeTiles,
  fullWidth,
  isFullTile,
  rootInParent,
  type Tile,
  tilePath,
  tileRoots,
  widestTile,
} from '@modstead/gomod/tlog/tile'
import { joinSubtrees, type Tree } from '@modstead/gomod/tlog/tree'
import type { Finding } from './finding.ts'
import { type LogReader, TILE_HEIGHT } from './storage.ts'

const FULL = fullWidth(TILE_HEIGHT)

export interface TileCheck {
  /**
   * Compares a tile of the records' hashes with those hashes, of which one that is absent could not be read. Tiles come
   * in their order, all of them.
   */
  compare(tile: Tile, hashes: readonly (Hash | undefined)[]): AsyncGenerator<Finding>
  /** To be called last: compares the tiles of all higher levels, and the right edge with the root. */
  finish(): AsyncGenerator<Finding>
}

/** `tree` is what the head says. */
export function createTileCheck(tree: Tree, storage: Pick<LogReader, 'tile'>): TileCheck {
  /** The tiles of the right edge as they are stored, and as what is below has it. */
  const edge = new Map<number, { stored: Uint8Array; computed: Uint8Array }>()
  const differing: { tile: Tile; children: number[] }[] = []
  /** Tiles that were found to be wrong: what stands above is not compared with them. */
  const wrong = new Set<string>()

  /** As wide as the tree has it; what is there but too short counts as missing. */
  async function read(tile: Tile): Promise<Uint8Array | undefined> {
    const data = await storage.tile(tile.level, tile.index)
    const length = tile.width * HASH_SIZE
    return data !== undefined && data.length >= length ? data.subarray(0, length) : undefined
  }

  async function* compare(tile: Tile, hashes: readonly (Hash | undefined)[]): AsyncGenerator<Finding> {
    const stored = await read(tile)
    if (stored === undefined) {
      yield { what: 'tile', name: tilePath(tile), problem: 'it is missing, or shorter than it must be' }
      return
    }
    const computed = Buffer.concat(hashes.map((hash, i) => hash ?? hashAt(stored, i)))
    if (!isFullTile(tile)) edge.set(tile.level, { stored, computed })
    if (computed.equals(stored)) return
    const children = hashes.flatMap((_, i) =>
      equalHashes(hashAt(stored, i), hashAt(computed, i)) ? [] : [tile.index * FULL + i],
    )
    // The whole edge is needed to tell which tile of it is wrong.
    if (isFullTile(tile)) yield* note(blame(tile, children, await fitting(tile, stored, computed)))
    else differing.push({ tile, children })
  }

  function* note(findings: Iterable<Finding>): Generator<Finding> {
    for (const finding of findings) {
      if (finding.what === 'tile') wrong.add(finding.name)
      yield finding
    }
  }

  async function fitting(tile: Tile, stored: Uint8Array, computed: Uint8Array): Promise<Fitting> {
    const above = widestTile(TILE_HEIGHT, tile.level + 1, Math.floor(tile.index / FULL), tree.size)
    const parent = above && (await read(above))
    if (parent === undefined) return 'neither'
    const wanted = rootInParent(tile, parent)
    if (equalHashes(subtreeHash(stored), wanted)) return 'stored'
    return equalHashes(subtreeHash(computed), wanted) ? 'computed' : 'neither'
  }

  async function* compareLevel(level: number): AsyncGenerator<Finding> {
    for (let index = 0; ; index++) {
      const tile = widestTile(TILE_HEIGHT, level, index, tree.size)
      if (tile === undefined) return
      const roots: (Hash | undefined)[] = []
      for (let i = 0; i < tile.width; i++) {
        const child = { ...tile, level: level - 1, index: index * FULL + i, width: FULL }
        const data = wrong.has(tilePath(child)) ? undefined : await read(child)
        roots.push(data && subtreeHash(data))
      }
      yield* compare(tile, roots)
    }
  }

  /** Which of the two sides of the edge has the root of the head. */
  function edgeFitting(): Fitting {
    const tiles = edgeTiles(TILE_HEIGHT, tree.size)
    if (tiles.some(({ level }) => !edge.has(level))) return 'neither'
    const rootOf = (side: 'stored' | 'computed'): Hash =>
      joinSubtrees(tiles.flatMap((tile) => tileRoots(tile, edge.get(tile.level)![side])))
    if (equalHashes(rootOf('stored'), tree.hash)) return 'stored'
    return equalHashes(rootOf('computed'), tree.hash) ? 'computed' : 'neither'
  }

  return {
    compare,
    async *finish() {
      for (let level = 1; FULL ** level <= tree.size; level++) yield* compareLevel(level)
      const fits = edgeFitting()
      for (const { tile, children } of differing) yield* note(blame(tile, children, fits))
      const missing = edgeTiles(TILE_HEIGHT, tree.size).some(({ level }) => !edge.has(level))
      if (fits === 'neither' && !missing && differing.length === 0)
        yield {
          what: 'head',
          name: 'the newest head',
          problem: 'its root is not that of the records and tiles',
        }
    },
  }
}

/** Which side fits what stands above: the tile as it is stored, or as what is below it has it. */
type Fitting = 'stored' | 'computed' | 'neither'

function* blame(tile: Tile, children: readonly number[], fits: Fitting): Generator<Finding> {
  const name = tilePath(tile)
  if (fits === 'computed')
    yield { what: 'tile', name, problem: 'it was changed: all around it fits together' }
  if (fits === 'neither')
    yield { what: 'tile', name, problem: 'neither it nor what is below it fits what is above it' }
  if (fits === 'computed') return
  const problem =
    fits === 'stored' ? 'it was changed: its hash is not the one in the log' : `it does not fit ${name}`
  for (const child of children) {
    if (tile.level === 0) yield { what: 'record', name: `record ${child}`, problem }
    else
      yield {
        what: 'tile',
        name: tilePath({ ...tile, level: tile.level - 1, index: child, width: FULL }),
        problem,
      }
  }
}
