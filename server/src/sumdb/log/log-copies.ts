/** Where the records of a log can be had again. */
import type { SumdbClient } from '@modstead/gomod/sumdb/client'
import { parseDataTile } from '@modstead/gomod/tlog/record'
import { DATA_LEVEL, fullWidth, widestTile } from '@modstead/gomod/tlog/tile'
import { ModsteadError } from '../../errors.ts'
import { parseExport } from './export-format.ts'
import type { CopiedRecord, LogCopy } from './import-log.ts'
import { TILE_HEIGHT } from './storage.ts'

/** Data tiles asked for at the same time. */
const AT_ONCE = 4

/** An export of the log `name`, read from its start. Throws `bad_request` for one of another log. */
export function exportedCopy(options: {
  name: string
  where: string
  open: () => AsyncIterable<Uint8Array>
}): LogCopy {
  const { name, where, open } = options
  return {
    where,
    async *read(from) {
      let id = 0
      for await (const part of parseExport(open(), where)) {
        if (part.kind === 'head') return part.note
        if (part.kind === 'log') {
          if (part.name === name) continue
          throw new ModsteadError(
            'bad_request',
            `${where} is an export of the log ${part.name}, not of ${name}`,
            {
              next: 'nothing was imported; take an export of this log',
            },
          )
        }
        if (id >= from) yield { id, at: part.at, record: part.record }
        id++
      }
      throw new TypeError('an export ends with its head')
    },
  }
}

/** What a checksum database publishes of the log, verified by our own client. Its data tiles tell no times. */
export function publishedCopy(options: { client: SumdbClient; where: string; signal: AbortSignal }): LogCopy {
  const { client, where, signal } = options
  return {
    where,
    async *read(from) {
      const { tree, note } = await client.head(signal)
      for await (const { id, record } of publishedRecords({ client, size: tree.size, from, signal }))
        yield { id, record }
      return note
    },
  }
}

/**
 * The records from `from` to before `size` in the data tiles of a checksum database, each proven to be in the log.
 * Throws as `SumdbClient.readTile`.
 */
export async function* publishedRecords(options: {
  client: SumdbClient
  size: number
  from: number
  signal: AbortSignal
}): AsyncGenerator<CopiedRecord> {
  const { client, size, from, signal } = options
  const full = fullWidth(TILE_HEIGHT)
  const read = async (index: number): Promise<Uint8Array[]> => {
    const tile = widestTile(TILE_HEIGHT, DATA_LEVEL, index, size)
    return tile === undefined ? [] : parseDataTile(await client.readTile(tile, signal))
  }
  for (let index = Math.floor(from / full); index * full < size; index += AT_ONCE) {
    const tiles = await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => read(index + i)))
    for (const [i, record] of tiles.flat().entries())
      if (index * full + i >= from) yield { id: index * full + i, record }
  }
}
