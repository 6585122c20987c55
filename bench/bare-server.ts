// The yardstick: `node bare-server.ts ANSWERS.json` answers fixed paths with fixed bytes and does nothing else.
// Bodies come from memory, or from a file through two reused buffers of 1 MiB each, read and written in turns.
import { open, readFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { BareAnswers } from './bare.ts'

const BUFFER_BYTES = 1 << 20

const { tls, answers } = JSON.parse(await readFile(process.argv[2]!, 'utf8')) as BareAnswers
const ready = new Map<string, { headers: Record<string, string>; body?: Buffer; file?: string }>()
for (const { path, headers, file, fromDisk } of answers)
  ready.set(path, { headers, ...(fromDisk ? { file } : { body: await readFile(file) }) })

function listener(request: { url?: string | undefined }, response: ServerResponse): void {
  const answer = ready.get(request.url ?? '')
  if (answer === undefined) return void response.writeHead(404).end()
  response.writeHead(200, answer.headers)
  if (answer.file === undefined) response.end(answer.body)
  else sendFile(answer.file, response).catch((error: unknown) => response.destroy(error as Error))
}

async function sendFile(path: string, response: ServerResponse): Promise<void> {
  const file = await open(path)
  try {
    const buffers = [Buffer.allocUnsafe(BUFFER_BYTES), Buffer.allocUnsafe(BUFFER_BYTES)] as const
    let written: Promise<void> = Promise.resolve()
    for (let turn = 0; ; turn = 1 - turn) {
      const { bytesRead } = await file.read(buffers[turn as 0 | 1], 0, BUFFER_BYTES)
      await written
      if (bytesRead === 0 || response.destroyed) break
      written = write(response, buffers[turn as 0 | 1].subarray(0, bytesRead))
    }
    response.end()
  } finally {
    await file.close()
  }
}

/** Resolves when the socket has taken the bytes, so that their buffer may be used again, or when it is gone. */
function write(response: ServerResponse, chunk: Buffer): Promise<void> {
  return new Promise((resolve) => {
    response.once('close', resolve)
    response.write(chunk, () => {
      response.off('close', resolve)
      resolve()
    })
  })
}

const server = tls
  ? createTlsServer({ cert: await readFile(tls.cert), key: await readFile(tls.key) }, listener)
  : createServer(listener)
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))
process.on('SIGTERM', () => process.exit(0))
