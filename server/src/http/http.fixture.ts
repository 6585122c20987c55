import http from 'node:http'
import net from 'node:net'
import type { ModulePath } from '@modstead/gomod/path'
import type { TestContext } from 'node:test'
import { ModsteadError } from '../errors.ts'
import type { Answer, StoredFile } from '../proxy/answer.ts'
import type { Change, ModuleProxy } from '../proxy/module-proxy.ts'
import type { ModuleRequest, RequestContext } from '../proxy/request.ts'
import type { ServedDatabase } from '../sumdb/served.ts'
import { createTestObserver, type TestObserver } from '../observe/test-support.ts'
import { formatModuleRequest } from './parse.ts'
import { createHttpServer, type HttpServer, type HttpServerOptions } from './server.ts'

type Responder = (request: ModuleRequest, context: RequestContext) => Answer | Promise<Answer>

/** A small proxy room: what it answers for each path stands in a map; everything else is absent. */
export interface TableProxy extends ModuleProxy {
  answers: Map<string, Responder>
  /** The requests that reached it, as paths. */
  served: string[]
  uses: { realm: string; module: string; version: string; at: number }[]
  /** What was published and deleted, and the bytes that came. */
  acted: object[]
  change(change: Change): void
}

export function createTableProxy(): TableProxy {
  const listeners = new Set<(change: Change) => void>()
  const proxy: TableProxy = {
    answers: new Map(),
    served: [],
    uses: [],
    acted: [],
    async serve(request, context) {
      const path = formatModuleRequest(request)
      proxy.served.push(path)
      const responder = proxy.answers.get(path)
      if (responder === undefined) throw new ModsteadError('not_found', `${path} is not there`)
      return responder(request, context)
    },
    refusePrivate(module) {
      if (module.startsWith('corp.example'))
        throw new ModsteadError('private_name', `${module} is private`, {
          next: 'go env -w GONOSUMDB=corp.example',
        })
    },
    hashes: async () => ({ h1: 'h1:zip', goModH1: 'h1:mod' }),
    knownHashes: async () => ({}),
    onStored: () => () => undefined,
    acts: {
      async publish({ module, version, who, size, sha256, chunks }) {
        proxy.acted.push({ act: 'publish', module, version, who, size, sha256 })
        const pieces: Buffer[] = []
        for await (const chunk of chunks) pieces.push(chunk)
        proxy.acted.push({ bytes: Buffer.concat(pieces).toString() })
        const outcome = pieces.length === 0 ? 'unchanged' : 'published'
        return { outcome, module, version, h1: 'h1:zip', goModH1: 'h1:mod' }
      },
      async delete({ module, version, who, reason }) {
        proxy.acted.push({ act: 'delete', module, version, who, reason })
        return { module, version, h1: 'h1:zip', deletion: { at: 0, who, reason }, again: false }
      },
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    touched: (uses) => void proxy.uses.push(...uses),
    change: (change) => listeners.forEach((listener) => listener(change)),
    refresh: async () => undefined,
    keepWhole: async () => undefined,
    close: async () => undefined,
  }
  return proxy
}

export const MODIFIED = new Date('2024-05-06T07:08:09.123Z')
export const MODULE = 'example.com/mod' as ModulePath

/** An immutable answer of bytes; `more` changes what it says. */
export function bytesAnswer(bytes: Buffer | string, more: Partial<Answer> = {}): Answer {
  return {
    module: MODULE,
    contentType: 'application/json',
    body: { kind: 'bytes', bytes: Buffer.from(bytes) },
    modified: MODIFIED,
    life: 'immutable',
    realm: more.private === true ? 'default' : 'public',
    private: false,
    ...more,
  }
}

/** A zip answer whose body is a stored file that has only a stream, or also a path. */
export function fileAnswer(bytes: Buffer, more: Partial<Answer> & { path?: string } = {}): Answer {
  const { path, ...rest } = more
  const file: StoredFile = {
    size: bytes.length,
    modified: MODIFIED,
    ...(path !== undefined && { path }),
    bytes: async () => Buffer.from(bytes),
    async *stream(start, end) {
      for (let at = start; at < end; at += 50_000) yield bytes.subarray(at, Math.min(end, at + 50_000))
    },
  }
  return bytesAnswer('', { contentType: 'application/zip', body: { kind: 'file', file }, ...rest })
}

export function createTableMirror(
  name: string,
  answers: Record<string, string>,
): ServedDatabase & { asked: string[] } {
  const asked: string[] = []
  async function answer(path: string): Promise<Buffer> {
    asked.push(path)
    const text = answers[path]
    if (text === undefined) throw new ModsteadError('not_found', `${name} does not have ${path}`)
    return Buffer.from(text)
  }
  return {
    name,
    own: false,
    asked,
    latest: () => answer('latest'),
    lookupResponse: (module, version) => answer(`lookup/${module}@${version}`),
    tile: (path) => answer(`tile/${path}`),
  }
}

export const NO_RECORDS = {
  acts: async () => [],
  token: async () => undefined,
  tokens: async () => [],
  addToken: async () => undefined,
  revokeToken: async () => undefined,
  incident: async () => undefined,
  incidents: async () => [],
  acknowledge: async () => undefined,
}

export interface Running {
  server: HttpServer
  proxy: TableProxy
  observer: TestObserver
  url: string
  port: number
}

type Overrides = Partial<Omit<HttpServerOptions, 'config' | 'proxy' | 'observer'>> & {
  config?: Partial<HttpServerOptions['config']>
}

/** Starts a server on a free port of loopback, stopped when the test ends. */
export async function startServer(t: TestContext, overrides: Overrides = {}): Promise<Running> {
  const proxy = createTableProxy()
  const observer = createTestObserver()
  const { config, ...rest } = overrides
  const server = createHttpServer({
    proxy,
    databases: [],
    observer,
    totals: async () => ({ modules: 2, versions: 3, zipBytes: 4096, incidents: 5, openIncidents: 1 }),
    records: NO_RECORDS,
    ready: async () => [],
    pushes: { onPush: () => 'unknown' },
    isLoop: (via) => via === 'me',
    version: '0.0.0-test',
    config: {
      listen: [{ host: '127.0.0.1', port: 0 }],
      pathPrefix: '',
      memory: 16 << 20,
      tokens: [],
      log: { level: 'info', format: 'json', requests: false },
      routes: [],
      sumdb: [],
      vanity: [],
      hooks: new Map(),
      ...config,
    },
    ...rest,
  })
  const [url] = await server.listen()
  t.after(() => server.stop(0))
  const address = server.addresses()[0]!
  return { server, proxy, observer, url: url!, port: 'port' in address ? address.port : 0 }
}

export interface Reply {
  status: number
  headers: http.IncomingHttpHeaders
  body: Buffer
  text: string
}

export interface Asked {
  method?: string
  headers?: http.OutgoingHttpHeaders
  agent?: http.Agent
  body?: string | Buffer
}

/** One request on a connection of its own. Rejects when the answer breaks off. The path goes out as it is. */
export async function ask(port: number, path: string, { body, ...options }: Asked = {}): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>()
  const request = http.request({ host: '127.0.0.1', port, path, agent: false, ...options }, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.once('error', reject)
    response.once('end', () => {
      const body = Buffer.concat(chunks)
      resolve({ status: response.statusCode!, headers: response.headers, body, text: body.toString() })
    })
  })
  request.once('error', reject)
  request.end(body)
  return promise
}

/** Sends raw bytes and gives everything that comes back until the server closes the connection. */
export async function askRaw(port: number, bytes: string | Buffer): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.once('error', reject)
  socket.once('close', () => resolve())
  socket.write(bytes)
  await promise
  return Buffer.concat(chunks).toString('latin1')
}
