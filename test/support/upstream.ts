import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { answerWithFault, type Fault } from './faults.ts'
import type { ModuleTree, TreeFile } from './module-tree.ts'
import { sendPaced } from './pace.ts'

/** One request as the upstream saw it. Times are milliseconds of `performance.now()`. */
export interface UpstreamRequest {
  method: string
  /** Percent-decoded, without the path prefix: `/github.com/!azure/azure/@v/v1.0.0.info`. */
  path: string
  headers: IncomingMessage['headers']
  /** Number of the connection it came over, from 1. */
  connection: number
  started: number
  /** When the first byte of the body was handed to the socket. */
  firstByte?: number
  ended?: number
  status?: number
  /** Body bytes handed to the socket. */
  bytes: number
  /** The whole answer was sent. */
  complete: boolean
}

/** How the upstream behaves; may be changed while it runs and holds from the next request on. */
export interface Conditions {
  /** Milliseconds before each answer. */
  latency: number
  /** Bytes per second of each response; 0 is as fast as it goes. */
  rate: number
  /** `failing` answers 503 to everything, `hanging` accepts and never answers. */
  state: 'up' | 'failing' | 'hanging'
  /** Send bodies without Content-Length. */
  chunked: boolean
}

export interface UpstreamOptions extends Partial<Conditions> {
  /** What it serves; asked after `answer`. */
  tree?: ModuleTree
  /** Answers of another kind, such as those of a checksum database; undefined leaves the path to the tree. */
  answer?: (path: string) => Promise<TreeFile | undefined>
  /** PEM texts: serve https. */
  tls?: { cert: string; key: string }
  /** `/prefix` in front of every path. */
  prefix?: string
  /** Sees each request before it is answered; gives an answer of its own or undefined. */
  intercept?: (request: UpstreamRequest) => Fault | undefined
}

export interface Upstream {
  /** Base URL with the prefix, without a trailing slash. */
  readonly url: string
  readonly port: number
  /** In the order of their arrival. Tests may empty it (`requests.length = 0`). */
  readonly requests: UpstreamRequest[]
  readonly conditions: Conditions
  /** Answers by path that replace the tree's. */
  readonly faults: Map<string, Fault>
  /** Stops listening and ends all connections: new ones are refused. */
  down(): Promise<void>
  /** Listens again, at the same port. */
  up(): Promise<void>
  close(): Promise<void>
}

/** Starts a module proxy on a free loopback port that behaves as badly as a test needs. */
export async function startUpstream(options: UpstreamOptions): Promise<Upstream> {
  const { tree, prefix = '', tls } = options
  const conditions: Conditions = {
    latency: options.latency ?? 0,
    rate: options.rate ?? 0,
    state: options.state ?? 'up',
    chunked: options.chunked ?? false,
  }
  const requests: UpstreamRequest[] = []
  const faults = new Map<string, Fault>()
  const sockets = new Set<Socket>()
  const numbers = new WeakMap<Socket, number>()
  let connections = 0

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const raw = (request.url ?? '/').split('?', 1)[0]!
    const entry: UpstreamRequest = {
      method: request.method ?? 'GET',
      path: decodeURIComponent(raw.startsWith(prefix) ? raw.slice(prefix.length) : raw),
      headers: request.headers,
      connection: numbers.get(request.socket) ?? 0,
      started: performance.now(),
      bytes: 0,
      complete: false,
    }
    requests.push(entry)
    response.on('close', () => {
      entry.ended = performance.now()
      entry.complete = response.writableFinished
    })
    if (conditions.state === 'hanging') return
    const { latency } = conditions
    if (latency > 0) await new Promise((resolve) => setTimeout(resolve, latency))
    const fault =
      conditions.state === 'failing' ? FAILING : (faults.get(entry.path) ?? options.intercept?.(entry))
    if (fault !== undefined) return answerWithFault(response, fault, entry)
    const file = raw.startsWith(prefix) ? await find(entry.path) : undefined
    await send(
      response,
      entry,
      file ?? { bytes: Buffer.from('not found'), type: 'text/plain' },
      file ? 200 : 404,
    )
  }

  async function find(path: string): Promise<TreeFile | undefined> {
    return (await options.answer?.(path)) ?? tree?.get(path)
  }

  async function send(response: ServerResponse, entry: UpstreamRequest, file: TreeFile, status: number) {
    entry.status = status
    const length = conditions.chunked ? {} : { 'content-length': file.bytes.length }
    response.writeHead(status, { 'content-type': file.type, ...length })
    const body = entry.method === 'HEAD' ? Buffer.alloc(0) : file.bytes
    await sendPaced(response, body, conditions.rate, (bytes) => {
      // The head leaves with the first bytes of the body.
      entry.firstByte ??= performance.now()
      entry.bytes += bytes
    })
    response.end()
  }

  function listener(request: IncomingMessage, response: ServerResponse): void {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error))
  }

  function open(port: number): Promise<Server> {
    const server = tls ? createTlsServer(tls, listener) : createServer(listener)
    server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
      sockets.add(socket)
      numbers.set(socket, ++connections)
      socket.setNoDelay(true)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => sockets.delete(socket))
    })
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', () => resolve(server))
    })
  }

  let server: Server | undefined = await open(0)
  const { port } = server.address() as AddressInfo

  async function down(): Promise<void> {
    const closing = server
    if (closing === undefined) return
    server = undefined
    const closed = new Promise((resolve) => closing.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
  }

  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}${prefix}`,
    port,
    requests,
    conditions,
    faults,
    down,
    async up() {
      server ??= await open(port)
    },
    close: down,
  }
}

const FAILING: Fault = { kind: 'status', status: 503, body: 'the test switched this upstream off' }
