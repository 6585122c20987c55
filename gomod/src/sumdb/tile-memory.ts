import type { Tile } from '../tlog/tile.ts'

/** Full tiles that were proven to be in the log. They are facts: nothing ever contradicts them, they only get lost. */
export interface TileMemory {
  get(tile: Tile): Uint8Array | undefined
  set(tile: Tile, data: Uint8Array): void
}

/** Keeps the `limit` tiles used last. */
export function createTileMemory(limit: number): TileMemory {
  // A Map lists its keys in the order they were added: the least recently used first.
  const tiles = new Map<string, Uint8Array>()
  return {
    get(tile) {
      const key = keyOf(tile)
      const data = tiles.get(key)
      if (data !== undefined) {
        tiles.delete(key)
        tiles.set(key, data)
      }
      return data
    },
    set(tile, data) {
      const key = keyOf(tile)
      tiles.delete(key)
      tiles.set(key, data)
      for (const oldest of tiles.keys()) {
        if (tiles.size <= limit) break
        tiles.delete(oldest)
      }
    },
  }
}

function keyOf({ level, index }: Tile): string {
  return `${level}/${index}`
}
