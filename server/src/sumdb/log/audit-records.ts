/** Whether all that a checksum database publishes of its records is what its log has, and no version is in it twice. */
import { GomodError } from '@modstead/gomod/error'
import type { SumdbClient } from '@modstead/gomod/sumdb/client'
import { parseDataTile } from '@modstead/gomod/tlog/record'
import { DATA_LEVEL, fullWidth, tilePath, widestTile } from '@modstead/gomod/tlog/tile'
import type { Alarm, Audit } from './audit.ts'
import { type LoggedVersion, readLoggedVersion } from './logged-version.ts'
import { TILE_HEIGHT } from './storage.ts'
import { createVersionsSeen } from './versions-seen.ts'

const FULL = fullWidth(TILE_HEIGHT)
/** Tiles asked for at the same time. */
const AT_ONCE = 4
/** Alarms after which it is clear enough. */
const ENOUGH = 100

export interface RecordsOptions {
  client: SumdbClient
  size: number
  /** Takes the alarms, and how many records were read. */
  result: Audit
  progress?: (done: number, size: number) => void
  signal: AbortSignal
}

/** Throws what reading throws: a tile that could not be had is no alarm. */
export async function checkPublishedRecords(options: RecordsOptions): Promise<void> {
  const { client, size, result, progress, signal } = options
  const { alarms } = result
  const seen = createVersionsSeen(async (id) => {
    const record = (await read(Math.floor(id / FULL))).records[id % FULL]
    return record && readLoggedVersion(record)
  })

  async function read(index: number): Promise<{ records: readonly Uint8Array[]; alarm?: Alarm }> {
    const tile = widestTile(TILE_HEIGHT, DATA_LEVEL, index, size)
    if (tile === undefined) return { records: [] }
    try {
      return { records: parseDataTile(await client.readTile(tile, signal)) }
    } catch (error) {
      if (!(error instanceof GomodError) || error.code !== 'unverified_tile') throw error
      return { records: [], alarm: { kind: 'tile', text: `${tilePath(tile)}: ${error.message}` } }
    }
  }

  async function check(id: number, record: Uint8Array): Promise<Alarm | undefined> {
    let version: LoggedVersion
    try {
      version = readLoggedVersion(record)
    } catch (error) {
      if (!(error instanceof GomodError)) throw error
      return { kind: 'record', text: `record ${id} cannot be one: ${error.message}` }
    }
    const first = await seen.add(id, version)
    if (first === undefined) return undefined
    const text = `${version.module}@${version.version} has two records, with the numbers ${first} and ${id}`
    return { kind: 'record', text }
  }

  result.records = 0
  for (let index = 0; index * FULL < size && alarms.length < ENOUGH; index += AT_ONCE) {
    const tiles = await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => read(index + i)))
    for (const [i, { records, alarm: wrong }] of tiles.entries()) {
      if (wrong !== undefined) alarms.push(wrong)
      for (const [n, record] of records.entries()) {
        const alarm = await check((index + i) * FULL + n, record)
        if (alarm !== undefined) alarms.push(alarm)
      }
      result.records += records.length
    }
    progress?.(Math.min(size, (index + AT_ONCE) * FULL), size)
  }
}
