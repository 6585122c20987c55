/**
 * Space put aside for a start on a full disk. SQLite needs some kilobytes before it reads anything, so that without it a
 * modstead that is restarted when its disk is full could not even serve what it has. The reserve is a file that is
 * deleted then, and made again when there is room.
 */
import { randomBytes } from 'node:crypto'
import { stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Durable } from './durable.ts'
import { absentAs, errorCode } from '../disk-errors.ts'

export interface Reserve {
  /** Gives the space back where a start would find too little; tells whether it did not. */
  makeRoom(): Promise<'full' | 'enough'>
  /** Makes the file where it is missing. Rejects with the system's own errors. */
  ensure(): Promise<void>
}

/** Bytes. Random ones, for some file systems store zeros in no space at all. */
const SIZE = 1 << 20
/** What a start needs at most: the index of the catalog's log, the log itself, a pid file. Bytes. */
const ROOM = 256 << 10

export function createReserve(folder: string, durable: Durable): Reserve {
  const path = join(folder, 'modstead.reserve')
  return {
    async makeRoom() {
      try {
        await tryRoom(durable)
        return 'enough'
      } catch (error) {
        if (!isFull(error)) throw error
        await unlink(path).catch(absentAs(undefined))
        return 'full'
      }
    },
    async ensure() {
      const held = await stat(path).catch(absentAs(undefined))
      if (held?.size === SIZE) return
      await durable.publish(randomBytes(SIZE), path)
    },
  }
}

/** Without a sync, which no start should wait for: file systems find room when they take the bytes. */
async function tryRoom(durable: Durable): Promise<void> {
  const { path, file } = await durable.create()
  try {
    await file.writeFile(randomBytes(ROOM))
  } finally {
    await file.close()
    await durable.discard(path)
  }
}

/** No room, as opposed to a disk that is ill. */
export function isFull(error: unknown): boolean {
  const code = errorCode(error)
  return code === 'ENOSPC' || code === 'EDQUOT'
}
