/** What is stored of a log, read and checked. */
import { GomodError } from '@modstead/gomod/error'
import { openNote, type Verifier } from '@modstead/gomod/note'
import { emptyTreeHash, equalHashes, HASH_SIZE, hashAt, recordHash } from '@modstead/gomod/tlog/hash'
import { parseTree } from '@modstead/gomod/tlog/record'
import { edgeTiles, fullWidth, type Tile, tilePath } from '@modstead/gomod/tlog/tile'
import { createTileEdge, ownTileReader, type TileEdge } from '@modstead/gomod/tlog/tile-appender'
import type { HashReader } from '@modstead/gomod/tlog/tree'
import { ModsteadError } from '../../errors.ts'
import { type LoggedRecord, type LogReader, type StoredHead, TILE_HEIGHT } from './storage.ts'

export interface Stored {
  name: string
  head: StoredHead | undefined
  storage: Pick<LogReader, 'records' | 'tile'>
}

/** Throws `log_refused` where the tiles are not those of the head. */
export async function loadEdge({ name, head, storage }: Stored): Promise<TileEdge> {
  const tree = head === undefined ? { size: 0, hash: emptyTreeHash() } : { size: head.size, hash: head.root }
  const tiles = edgeTiles(TILE_HEIGHT, tree.size)
  const data = await Promise.all(tiles.map((tile) => readTile(storage, tile)))
  const records = await storage.records(Math.max(0, tree.size - 1), 2)
  if (records.length !== Math.min(tree.size, 1))
    throw damaged(name, `its records do not end where its head, over ${tree.size} of them, says`)
  try {
    return createTileEdge(TILE_HEIGHT, tree, data)
  } catch (error) {
    if (error instanceof GomodError) throw damaged(name, error.message, error)
    throw error
  }
}

/** Throws `log_refused` unless the note of the head is one of that tree, signed by one of the keys. */
export function openHead(
  { size, root, note }: StoredHead,
  { name, verifiers }: { name: string; verifiers: readonly Verifier[] },
): void {
  try {
    const tree = parseTree(openNote(note, verifiers).text)
    if (tree.size === size && equalHashes(tree.hash, root)) return
  } catch (error) {
    if (!(error instanceof GomodError)) throw error
    throw new ModsteadError(
      'log_refused',
      `the log ${name} signs nothing: its newest head is not signed by the configured key (${error.message})`,
      {
        next: 'configure the key that the log was begun with; a new one of the same name needs the old one in previousKeys',
        cause: error,
      },
    )
  }
  throw damaged(name, 'its newest head is not what was signed')
}

/** Throws `log_refused` unless the records from `id` on are those whose hashes are in the tiles. */
export async function checkRecords(
  { name, storage }: Pick<Stored, 'name' | 'storage'>,
  id: number,
  records: readonly LoggedRecord[],
): Promise<void> {
  const full = fullWidth(TILE_HEIGHT)
  let tile: Uint8Array | undefined
  for (const [i, { record }] of records.entries()) {
    const at = (id + i) % full
    if (i === 0 || at === 0) tile = await storage.tile(0, Math.floor((id + i) / full))
    if (
      tile === undefined ||
      tile.length < (at + 1) * HASH_SIZE ||
      !equalHashes(hashAt(tile, at), recordHash(record))
    )
      throw new ModsteadError('log_refused', `record ${id + i} of the log ${name} is not what was signed`, {
        next: RECOVER,
      })
  }
}

/** The stored hashes of a log of one's own. */
export function hashesOf(storage: Pick<LogReader, 'tile'>): HashReader {
  return ownTileReader(TILE_HEIGHT, (tile) => readTile(storage, tile))
}

async function readTile(storage: Pick<LogReader, 'tile'>, tile: Tile): Promise<Uint8Array> {
  const data = await storage.tile(tile.level, tile.index)
  if (data !== undefined) return data
  throw new ModsteadError('log_refused', `the checksum log has lost ${tilePath(tile)}`, { next: RECOVER })
}

const RECOVER = 'run "modstead sumdb verify"; docs/checksum-database.md says how to go on'

function damaged(name: string, problem: string, cause?: unknown): ModsteadError {
  return new ModsteadError(
    'log_refused',
    `the log ${name} signs nothing: what is stored is damaged: ${problem}`,
    {
      next: RECOVER,
      ...(cause !== undefined && { cause }),
    },
  )
}
