import { createServer, type ServerResponse } from 'node:http'
import { answerSumdb } from '@modstead/gomod/sumdb/server'
import type { ChecksumLog } from '../../server/src/sumdb/log/log.ts'

/** Serves a log alone at a URL of its own, from its root on, as a checksum database. */
export async function serveLog(log: ChecksumLog): Promise<{ url: string; close(): Promise<void> }> {
  const ops = {
    signed: async () => log.head().note,
    readRecords: async (id: number, n: number) => (await log.records(id, n)).map(({ record }) => record),
    lookup: log.find.bind(log),
    readTileData: log.tile.bind(log),
  }
  const { signal } = new AbortController()
  async function answer(path: string, response: ServerResponse): Promise<void> {
    const found = await answerSumdb(ops, decodeURIComponent(path), signal)
    response.writeHead(found === undefined ? 404 : 200, {
      'content-type': found?.contentType ?? 'text/plain',
    })
    response.end(found?.body)
  }
  const server = createServer((request, response) => {
    answer(request.url ?? '', response).catch((error: unknown) => response.writeHead(400).end(String(error)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('it listens on no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
