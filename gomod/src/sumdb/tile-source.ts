/** Where the bytes of tiles come from: the cache, or the database. Nothing here is verified. */
import { GomodError } from '../error.ts'
import { fullWidth, isFullTile, tilePath, type Tile } from '../tlog/tile.ts'
import type { SumdbOps } from './ops.ts'

/** The bytes of a tile before they are verified. */
export interface TileBytes {
  readonly data: Uint8Array
  /** They need not be written to the cache, and may be better when asked of the database. */
  readonly cached: boolean
}

/** Takes the first `tile.width` entries out of the bytes of the same tile when it was full. Throws GomodError. */
export type CutTile = (tile: Tile, full: Uint8Array) => Uint8Array

export interface ReadTileOptions {
  readonly signal: AbortSignal
  /** Pass the cache over. */
  readonly fresh: boolean
}

/**
 * Reads a tile. Where it is not full, the full one does as well: caches keep that only, and databases may not have
 * the narrower ones any more. Rejects as `ops.readRemote` does for the tile asked for.
 */
export async function readTileBytes(
  ops: SumdbOps,
  tile: Tile,
  cut: CutTile,
  { signal, fresh }: ReadTileOptions,
): Promise<TileBytes> {
  const path = `/${tilePath(tile)}`
  if (!fresh) {
    const data = await readCachedTile(ops, tile, cut)
    if (data !== undefined) return { data, cached: true }
  }
  signal.throwIfAborted()
  const full = fullPath(tile)
  try {
    return { data: await ops.readRemote(path, signal), cached: false }
  } catch (error) {
    signal.throwIfAborted()
    if (full === undefined) throw error
    const data = await readFull(ops, full, signal)
    if (data === undefined) throw error
    return { data: cut(tile, data), cached: false }
  }
}

/** A tile as the cache has it, by itself or as a part of the full one. */
export async function readCachedTile(
  ops: Pick<SumdbOps, 'readCache'>,
  tile: Tile,
  cut: CutTile,
): Promise<Uint8Array | undefined> {
  const exact = await ops.readCache(`/${tilePath(tile)}`)
  const full = fullPath(tile)
  if (exact !== undefined || full === undefined) return exact
  return cutCached(tile, cut, await ops.readCache(full))
}

/** Where the full tile is, for one that is not. */
function fullPath(tile: Tile): string | undefined {
  return isFullTile(tile) ? undefined : `/${tilePath({ ...tile, width: fullWidth(tile.height) })}`
}

/** The full tile, for want of the one asked for; why that one failed says more than why this one does. */
async function readFull(ops: SumdbOps, path: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
  try {
    return await ops.readRemote(path, signal)
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}

function cutCached(tile: Tile, cut: CutTile, full: Uint8Array | undefined): Uint8Array | undefined {
  if (full === undefined) return undefined
  try {
    return cut(tile, full)
  } catch (error) {
    // A cache that holds something else is as good as one that holds nothing.
    if (error instanceof GomodError) return undefined
    throw error
  }
}
