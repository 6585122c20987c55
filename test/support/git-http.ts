import { spawn } from 'node:child_process'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { answerWithFault, type Fault } from './faults.ts'
import { gitEnvironment } from './git-repositories.ts'
import { drained } from './pace.ts'
import type { UpstreamRequest } from './upstream.ts'

/**
 * What a request is for: `discovery` is `info/refs`; `ls-refs` and `fetch` are the commands of protocol 2, and `fetch`
 * is also what older protocols ask; `other` is everything else, such as `?go-get=1` pages and pushes.
 */
export type GitRequestKind = 'discovery' | 'ls-refs' | 'fetch' | 'other'

/** One request as the server saw it. */
export interface GitRequest extends UpstreamRequest {
  kind: GitRequestKind
  /** Without `?`. */
  query: string
}

/** What a client must send in Authorization. */
export type GitCredential = { user: string; password: string } | { bearer: string }

export interface GitHttpOptions {
  /** Folder of the repositories: `<root>/team/lib.git` is at `<url>/team/lib.git`. */
  root: string
  /** Without it everyone may read. May be changed on the server while it runs. */
  credential?: GitCredential
  /** PEM texts: serve https. */
  tls?: { cert: string; key: string }
  /** Milliseconds before each answer. */
  latency?: number
  /** Sees each request before its credential is looked at; gives an answer of its own (pages, redirects, outages). */
  intercept?: (request: GitRequest) => Fault | undefined
}

export interface GitHttpServer {
  /** Base URL without a trailing slash. */
  readonly url: string
  readonly port: number
  /** In the order of their arrival, refused ones too. Tests may empty it (`requests.length = 0`). */
  readonly requests: GitRequest[]
  credential: GitCredential | undefined
  latency: number
  /** How many requests of a kind were answered with 200. */
  count(kind: GitRequestKind): number
  close(): Promise<void>
}

/** Serves a folder of bare repositories over git's smart HTTP protocol, on a free loopback port. Reading only. */
export async function startGitHttp(options: GitHttpOptions): Promise<GitHttpServer> {
  const { root, tls, intercept } = options
  const requests: GitRequest[] = []
  const sockets = new Set<Socket>()
  const numbers = new WeakMap<Socket, number>()
  let connections = 0

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [raw = '/', query = ''] = (request.url ?? '/').split('?', 2)
    const entry: GitRequest = {
      kind: 'other',
      method: request.method ?? 'GET',
      path: decodeURIComponent(raw),
      query,
      headers: request.headers,
      connection: numbers.get(request.socket) ?? 0,
      started: performance.now(),
      bytes: 0,
      complete: false,
    }
    requests.push(entry)
    response.on('close', () => {
      entry.ended = performance.now()
      entry.status ??= response.statusCode
      entry.complete = response.writableFinished
    })
    const body = await buffer(request)
    entry.kind = kindOf(entry, body)
    if (server.latency > 0) await new Promise((resolve) => setTimeout(resolve, server.latency))
    const fault = intercept?.(entry)
    if (fault !== undefined) return answerWithFault(response, fault, entry)
    if (!allowed(entry.headers.authorization, server.credential)) {
      const scheme = server.credential !== undefined && 'bearer' in server.credential ? 'Bearer' : 'Basic'
      response.writeHead(401, { 'www-authenticate': `${scheme} realm="git"`, 'content-type': 'text/plain' })
      response.end('credentials, please\n')
      return
    }
    await runBackend(root, entry, body, response)
  }

  function listener(request: IncomingMessage, response: ServerResponse): void {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error))
  }

  const listening = tls ? createTlsServer(tls, listener) : createServer(listener)
  listening.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.add(socket)
    numbers.set(socket, ++connections)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    listening.once('error', reject)
    listening.listen(0, '127.0.0.1', resolve)
  })
  const { port } = listening.address() as AddressInfo

  const server: GitHttpServer = {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    requests,
    credential: options.credential,
    latency: options.latency ?? 0,
    count: (kind) => requests.filter((entry) => entry.kind === kind && entry.status === 200).length,
    async close() {
      const closed = new Promise((resolve) => listening.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
  return server
}

function kindOf({ path, headers }: GitRequest, body: Buffer): GitRequestKind {
  if (path.endsWith('/info/refs')) return 'discovery'
  if (!path.endsWith('/git-upload-pack')) return 'other'
  const text = (headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString('latin1')
  return /^[0-9a-f]{4}command=ls-refs/.test(text) ? 'ls-refs' : 'fetch'
}

function allowed(given: string | undefined, credential: GitCredential | undefined): boolean {
  if (credential === undefined) return true
  if ('bearer' in credential) return given === `Bearer ${credential.bearer}`
  const { user, password } = credential
  return given === `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

/** Answers with what git's own CGI program says. */
async function runBackend(
  root: string,
  entry: GitRequest,
  body: Buffer,
  response: ServerResponse,
): Promise<void> {
  const { headers } = entry
  const child = spawn('git', ['http-backend'], {
    env: {
      ...gitEnvironment(root),
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: entry.method,
      PATH_INFO: entry.path,
      QUERY_STRING: entry.query,
      CONTENT_TYPE: headers['content-type'] ?? '',
      CONTENT_LENGTH: String(body.length),
      HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
      REMOTE_ADDR: '127.0.0.1',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  // The client has gone: nobody wants the rest of the pack.
  response.on('close', () => child.kill())
  // http-backend ends before it has read a request that it refuses.
  child.stdin.on('error', () => child.stdin.destroy())
  child.stdin.end(body)
  let head = Buffer.alloc(0)
  let begun = false
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    let bytes = chunk
    if (!begun) {
      head = Buffer.concat([head, chunk])
      const end = head.indexOf('\r\n\r\n')
      if (end === -1) continue
      begun = true
      entry.status = writeHead(response, head.toString('latin1', 0, end))
      bytes = head.subarray(end + 4)
    }
    entry.firstByte ??= performance.now()
    entry.bytes += bytes.length
    if (response.write(bytes) || response.destroyed) continue
    await drained(response)
  }
  await ended
  if (begun) response.end()
  else response.destroy()
}

/** Turns a CGI head into an HTTP one; gives the status. */
function writeHead(response: ServerResponse, head: string): number {
  let status = 200
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':')
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trim()]
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10)
    else response.setHeader(name, value)
  }
  response.writeHead(status)
  return status
}
