/** A loopback server for tests that writes what it is told to the socket, well-formed or not. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { after } from 'node:test'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'

export interface SeenRequest {
  method: string
  /** As on the wire, escapes and all. */
  path: string
  headers: Record<string, string>
  /** Number of the request and of its connection, both from 1. */
  number: number
  connection: number
}

export interface TestUpstream {
  readonly port: number
  readonly host: string
  readonly url: string
  readonly seen: SeenRequest[]
  /** Connections open now, and the most there ever were. */
  open(): number
  readonly peak: () => number
  /** Closes all connections, those at rest too. */
  disconnect(): void
  close(): Promise<void>
}

export type Script = (request: SeenRequest, socket: Socket) => void

/** Calls `script` for each request head that arrives. `tls` makes it speak TLS. */
export async function startTestUpstream(script: Script, tls?: TlsOptions): Promise<TestUpstream> {
  const seen: SeenRequest[] = []
  const sockets = new Set<Socket>()
  let closed: Promise<void> | undefined
  let connections = 0
  let peak = 0
  const serve = (socket: Socket): void => {
    const connection = ++connections
    let head = ''
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      head += chunk.toString('latin1')
      for (let end = head.indexOf('\r\n\r\n'); end >= 0; end = head.indexOf('\r\n\r\n')) {
        const request = { ...parseHead(head.slice(0, end)), number: seen.length + 1, connection }
        head = head.slice(end + 4)
        seen.push(request)
        script(request, socket)
      }
    })
  }
  const server: Server =
    tls === undefined ? createServer({ noDelay: true }, serve) : createTlsServer(tls, serve)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    peak = Math.max(peak, sockets.size)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
  })
  await listen(server)
  const { port } = server.address() as AddressInfo
  const host = `127.0.0.1:${port}`
  const disconnect = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const close = async (): Promise<void> => {
    disconnect()
    running.delete(close)
    const { promise, resolve } = Promise.withResolvers<void>()
    server.close(() => resolve())
    await promise
  }
  running.add(close)
  return {
    port,
    host,
    url: `${tls === undefined ? 'http' : 'https'}://${host}`,
    seen,
    open: () => sockets.size,
    peak: () => peak,
    disconnect,
    close: () => (closed ??= close()),
  }
}

/** Those that a failed test left behind would keep the process alive. */
const running = new Set<() => Promise<void>>()
after(async () => {
  await Promise.all(Array.from(running, (close) => close()))
})

/** Writes a whole answer; Content-Length is added unless the headers say how long the body is. */
export function respond(
  socket: Socket,
  status: number,
  body: string | Buffer = '',
  headers: Record<string, string> = {},
): void {
  const length =
    'content-length' in headers || 'transfer-encoding' in headers
      ? {}
      : { 'content-length': Buffer.byteLength(body) }
  const lines = Object.entries({ ...headers, ...length }).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`HTTP/1.1 ${status} Status\r\n${lines.join('')}\r\n`)
  socket.write(body)
}

export async function listen(server: Server): Promise<void> {
  const listening = Promise.withResolvers<void>()
  server.once('error', listening.reject)
  server.listen(0, '127.0.0.1', () => listening.resolve())
  await listening.promise
}

function parseHead(head: string): Pick<SeenRequest, 'method' | 'path' | 'headers'> {
  const [first = '', ...lines] = head.split('\r\n')
  const [method = '', path = ''] = first.split(' ')
  const headers = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
  })
  return { method, path, headers: Object.fromEntries(headers) }
}
