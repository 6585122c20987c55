import { readFile } from 'node:fs/promises'
import { Agent, createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

/** What a client has asked, and was told. */
export interface RecordedRequest {
  /** X-Request-Id, which was given to it on its way. */
  id: string
  method: string
  path: string
  status: number
  /** Bytes of the body that came. */
  bytes: number
}

export interface RecordingProxy {
  readonly url: string
  readonly port: number
  /** All that was answered. */
  readonly requests: readonly RecordedRequest[]
  close(): Promise<void>
}

const CERTIFICATES = fileURLToPath(new URL('../testdata/tls/', import.meta.url))

/**
 * Stands between clients and a modstead with TLS, hands on every request with an id of its own, and remembers what came
 * of it: the record of the clients, which knows nothing of that of the server.
 */
export async function startRecordingProxy(target: string): Promise<RecordingProxy> {
  const [cert, key, ca] = await Promise.all(
    ['cert.pem', 'key.pem', 'ca.pem'].map((name) => readFile(CERTIFICATES + name)),
  )
  const agent = new Agent({ keepAlive: true, maxSockets: 16, ca })
  const requests: RecordedRequest[] = []
  let count = 0
  const server = createServer({ cert, key }, (req, res) => {
    const id = `client-${++count}`
    const { method = '', url: path = '' } = req
    const onward = request(
      target + path,
      { method, agent, headers: { ...req.headers, 'x-request-id': id } },
      (answer) => {
        let bytes = 0
        answer.on('data', (chunk: Buffer) => (bytes += chunk.length))
        answer.on('end', () => requests.push({ id, method, path, status: answer.statusCode!, bytes }))
        res.writeHead(answer.statusCode!, answer.headers)
        answer.pipe(res)
      },
    )
    onward.on('error', () => res.destroy())
    req.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    requests,
    async close() {
      agent.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
