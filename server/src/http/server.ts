import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Access } from '../access/access.ts'
import type { SignInDesk } from '../access/browser/sign-in.ts'
import { accessOfTokens } from '../access/access-of-tokens.ts'
import { formatListenAddress, goproxyUrl } from '../config/address.ts'
import type { Config, ListenAddress } from '../config/config.ts'
import { clientSettings } from '../config/client-settings.ts'
import { ModsteadError } from '../errors.ts'
import type { Observer } from '../observe/observer.ts'
import type { ModuleProxy } from '../proxy/module-proxy.ts'
import type { ServedDatabase } from '../sumdb/served.ts'
import type { Action } from './action.ts'
import { createActs } from './acts.ts'
import { createBackchannelLogout } from './auth/backchannel-logout.ts'
import { createAuthPages } from './auth/pages/pages.ts'
import { createApi } from './api/api.ts'
import { type AuthOptions, createAuth } from './auth/auth.ts'
import { incidentEndpoints, type IncidentRecords } from './api/incidents.ts'
import { createBufferPool } from './buffer-pool.ts'
import { refusalOfClientError, refuseConnection } from './client-errors.ts'
import { createConnections } from './connections.ts'
import type { Totals } from './home.ts'
import { createHooks } from './hooks.ts'
import { createHotPath } from './hot.ts'
import { type AuditedLog, createLogAnswers } from './log-answers.ts'
import { openListener, TIMEOUTS, type Listener, type ListenerTimeouts } from './listener.ts'
import { createMemory } from './memory.ts'
import { createModuleAnswers } from './module-answers.ts'
import { createParser } from './parse.ts'
import type { PushReceiver } from './push-hint.ts'
import { refuse } from './refuse.ts'
import { addressFor, type AddressOptions, requireHost } from './request-host.ts'
import { rawTarget } from './request-path.ts'
import { createRoutes } from './routes.ts'
import { createFileSender } from './send-file.ts'
import { senderOf } from './sender.ts'
import { createSumdbAnswers, kindOfSumdb } from './sumdb-answers.ts'
import { createTraffic, type Exchange } from './traffic.ts'
import { createVanityAnswers } from './vanity-answers.ts'

export interface HttpServerOptions {
  config: Pick<
    Config,
    | 'listen'
    | 'publicUrl'
    | 'pathPrefix'
    | 'tls'
    | 'memory'
    | 'log'
    | 'routes'
    | 'sumdb'
    | 'checksumLog'
    | 'vanity'
    | 'hooks'
    | 'tokens'
    | 'access'
  >
  proxy: ModuleProxy
  /** Who may do what. Default: everybody reads, and `tokens` may do what the configuration says. */
  access?: Access
  /** What signs in; absent: nobody does. */
  issued?: AuthOptions['issued']
  /** The first is the default database, which is also answered for at the root. */
  databases: readonly ServedDatabase[]
  /** Where people sign in with a browser; absent: nobody does. */
  desk?: SignInDesk
  /** A log of our own. */
  log?: AuditedLog
  observer: Observer
  /** What is stored, for the home page. */
  totals: (signal: AbortSignal) => Promise<Totals>
  /** Why no work should be sent here now, a sentence each; empty when ready. */
  ready: (signal: AbortSignal) => Promise<readonly string[]>
  /** What whoever runs this server should see to, a sentence each; it works all the same. */
  warnings?: () => readonly string[]
  incidents: IncidentRecords
  /** Hears of pushes. */
  pushes: PushReceiver
  /** Whether a request with this `Modstead-Via` header has been through this server already. */
  isLoop: (via: string) => boolean
  /** The version of modstead. */
  version: string
  /** For tests; absent: TIMEOUTS. */
  timeouts?: ListenerTimeouts
}

export interface HttpServer {
  /** Opens every listen address or none. Gives them as URLs, or `unix:/path`. Throws `listen_failed`. */
  listen(): Promise<string[]>
  /** What is bound, once it listens. */
  addresses(): ListenAddress[]
  /**
   * Stops accepting, lets running requests finish for at most `graceMs` milliseconds, then breaks them. Resolves when
   * no connection is left.
   */
  stop(graceMs: number): Promise<void>
}

type Handler = (req: IncomingMessage, res: ServerResponse) => void

const isRead = ({ method }: IncomingMessage): boolean => method === 'GET' || method === 'HEAD'

/** Bytes of the big buffers that all downloads from disk share, and the sizes of buffers. */
const BUFFERS = { bound: 32 << 20, big: 1 << 20, small: 64 << 10 }
/** How often uses and counts are handed on. Milliseconds. */
const FLUSH = 10_000

/** The listeners: the hot path first, then pages and files. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { config, proxy, observer } = options
  const memory = createMemory({ bound: config.memory })
  const traffic = createTraffic(observer, { logsAll: config.log.requests })
  const connections = createConnections()
  const pool = createBufferPool(BUFFERS)
  const access = options.access ?? accessOfTokens(config.tokens)
  const answerFromMemory = createHotPath(memory, traffic, access)
  const answerModule = createModuleAnswers({ proxy, memory, traffic, sendFile: createFileSender(pool) })
  const answerSumdb = createSumdbAnswers({ proxy, databases: options.databases, access, memory, traffic })
  const databases = options.databases.map(({ name }) => name)
  const parse = createParser({ prefix: config.pathPrefix, databases })
  const address: AddressOptions = {
    prefix: config.pathPrefix,
    publicUrl: config.publicUrl,
    fallbackAddress: () => goproxyUrl(config, addresses()) ?? 'http://localhost',
  }
  const vanity = createVanityAnswers({
    rules: config.vanity,
    prefix: config.pathPrefix,
    addressFor: (req) => addressFor(req, address),
    clientSettings: (given) => clientSettings(config, given),
  })
  const actions: readonly Action[] = [
    createHooks({ hooks: config.hooks, prefix: config.pathPrefix, receiver: options.pushes, observer }),
    ...(options.issued === undefined
      ? []
      : [
          createAuth({
            access,
            issued: options.issued,
            prefix: config.pathPrefix,
            addressFor: (req) => addressFor(req, address),
            countAddresses: config.access?.lockout.addresses ?? true,
          }),
        ]),
    ...(options.log === undefined
      ? []
      : [createLogAnswers({ log: options.log, access, prefix: config.pathPrefix })]),
    ...(options.desk === undefined
      ? []
      : [
          createAuthPages({
            desk: options.desk,
            publicUrl: config.publicUrl,
            prefix: config.pathPrefix,
            scope: '',
            observer,
          }),
          createBackchannelLogout({ desk: options.desk, prefix: config.pathPrefix, observer }),
        ]),
    createApi({
      endpoints: incidentEndpoints({ incidents: options.incidents, log: observer.log }),
      access,
      prefix: config.pathPrefix,
    }),
    ...createActs({
      acts: proxy.acts,
      access,
      prefix: config.pathPrefix,
    }),
  ]
  const exchanges = new WeakMap<IncomingMessage, Exchange>()
  const endChanges = proxy.onChange((change) => memory.drop(change))
  const timer = setInterval(flush, FLUSH)
  timer.unref()
  let listeners: Listener[] = []
  let stopping: Promise<void> | undefined

  observer.gauge('modstead_memory_bytes', 'Bytes of ready answers in memory.', () => memory.size())
  observer.gauge('modstead_memory_entries', 'Ready answers in memory.', () => memory.count())
  observer.gauge('modstead_http_connections', 'Open connections.', () => connections.count())
  observer.gauge('modstead_send_buffer_bytes', 'Bytes of big send buffers in use.', () => pool.inUse())

  function flush(): void {
    const at = Date.now()
    const uses = memory.takeUses()
    if (uses.length > 0) proxy.touched(uses.map((use) => ({ ...use, at })))
    traffic.flush()
  }

  const routes = createRoutes({
    ...address,
    clientSettings: (given) => clientSettings(config, given),
    version: options.version,
    databases,
    totals: options.totals,
    ready: async (signal) =>
      connections.draining ? ['this server is shutting down'] : options.ready(signal),
    warnings: options.warnings ?? (() => []),
    observer,
    beforeMetrics: flush,
    answerFile,
    identify: (req) => access.identify(senderOf(req)),
    onPage: (req) => note(req, { kind: 'page' }),
    onRefusal: (req, error) => note(req, { error }),
  })

  function note(req: IncomingMessage, facts: Partial<Exchange>): void {
    const exchange = exchanges.get(req)
    if (exchange !== undefined) Object.assign(exchange, facts)
  }

  function onRequest(handle: Handler) {
    return (req: IncomingMessage, res: ServerResponse): void => {
      if (connections.draining) res.shouldKeepAlive = false
      if (answerFromMemory(req, res)) return
      if (isRead(req) && access.isUnknown(req)) void answerOnceKnown(req, res, handle)
      else answerSlowly(req, res, handle, performance.now())
    }
  }

  /** Finds out who asks, and looks into memory again. Never rejects. */
  async function answerOnceKnown(req: IncomingMessage, res: ServerResponse, handle: Handler): Promise<void> {
    const started = performance.now()
    // A refusal is told where it is known whether what is asked for takes a credential at all.
    await access.identify(senderOf(req)).catch(() => undefined)
    if (!req.socket.destroyed && !answerFromMemory(req, res)) answerSlowly(req, res, handle, started)
  }

  function answerSlowly(req: IncomingMessage, res: ServerResponse, handle: Handler, started: number): void {
    const exchange: Exchange = { kind: 'other', bytes: 0 }
    exchanges.set(req, exchange)
    res.once('close', () => {
      if (!res.writableFinished && exchange.error === undefined) exchange.aborted = true
      traffic.done(req, res, exchange, started)
    })
    if (vanity.isAsked(req) || actions.some((action) => action.takes(req))) void answerFile(req, res)
    else handle(req, res)
  }

  /** Answers everything but pages. Never rejects. */
  async function answerFile(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const exchange = exchanges.get(req)!
    const running = connections.begin(req.socket, res)
    try {
      if (running === undefined)
        throw new ModsteadError('bad_request', 'too many requests at once on one connection')
      await answerEndpoint(req, res, running.signal, exchange)
    } catch (error) {
      exchange.error = error
      // What is left of a body would be taken for the next request.
      if (req.method !== 'GET' && req.method !== 'HEAD' && !req.complete) res.shouldKeepAlive = false
      if (running?.signal.aborted === true) exchange.aborted = true
      if (res.headersSent) {
        exchange.cut = true
        res.destroy()
      } else {
        const form = actions.find((action) => action.takes(req))?.refusalFor
        exchange.bytes = await refuse(error, req, res, form)
      }
    } finally {
      running?.done()
    }
  }

  async function answerEndpoint(
    req: IncomingMessage,
    res: ServerResponse,
    signal: AbortSignal,
    exchange: Exchange,
  ): Promise<void> {
    const via = req.headers['modstead-via']?.toString()
    if (via !== undefined && options.isLoop(via))
      throw new ModsteadError('loop', 'the request has been through this server before', {
        next: 'take the address of this server out of its own origin list',
      })
    const page = vanity.answer(req, res)
    if (page !== undefined) {
      exchange.kind = 'vanity'
      exchange.bytes = page
      return
    }
    const action = actions.find((action) => action.takes(req))
    if (action !== undefined) {
      exchange.kind = action.kind
      requireHost(req)
      exchange.bytes = await action.answer({ req, res, signal })
      return
    }
    const endpoint = parse(rawTarget(req))
    const sent = (bytes: number): void => {
      exchange.bytes = bytes
    }
    const { path } = endpoint
    if (endpoint.kind === 'sumdb') {
      exchange.kind = kindOfSumdb(endpoint.request)
      return answerSumdb({ ...endpoint, path, req, res, signal, sent })
    }
    exchange.kind = endpoint.request.kind
    exchange.module = endpoint.request.module
    await access.require(senderOf(req), 'module:read', endpoint.request.module)
    return answerModule({ request: endpoint.request, path, req, res, signal, sent })
  }

  function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const refusal = refusalOfClientError(error, socket)
    // Whoever is still being answered must not find another answer within that one.
    if (refusal === undefined || !socket.writable || connections.isBusy(socket)) {
      socket.destroy()
      return
    }
    traffic.broken(refuseConnection(socket, refusal))
  }

  function onListenerError(error: Error, address: ListenAddress): void {
    const fields = { err: error, address: formatListenAddress(address) }
    observer.log.error(fields, 'a connection could not be accepted')
  }

  function onConnect(socket: Socket): void {
    const refusal = new ModsteadError('method_not_allowed', 'CONNECT is not allowed here')
    traffic.broken(refuseConnection(socket, refusal))
  }

  function addresses(): ListenAddress[] {
    return listeners.map((listener) => listener.address)
  }

  async function stopNow(graceMs: number): Promise<void> {
    for (const listener of listeners) listener.close()
    await connections.drain(graceMs)
    for (const listener of listeners) listener.destroy()
    await Promise.all(listeners.map((listener) => listener.closed))
    clearInterval(timer)
    endChanges()
    flush()
    await (await routes).close()
  }

  return {
    addresses,
    async listen() {
      const { handle } = await routes
      const shared = {
        tls: config.tls,
        timeouts: options.timeouts ?? TIMEOUTS,
        onClientError,
        onConnect,
        onListenerError,
      }
      try {
        for (const address of config.listen)
          listeners.push(
            await openListener({
              ...shared,
              address,
              onRequest: onRequest(handle),
              onConnection: connections.add,
            }),
          )
      } catch (error) {
        for (const listener of listeners) listener.close()
        listeners = []
        throw error
      }
      const scheme = config.tls === undefined ? 'http' : 'https'
      return addresses().map((address) =>
        'socket' in address ? formatListenAddress(address) : `${scheme}://${formatListenAddress(address)}`,
      )
    },
    stop: (graceMs) => (stopping ??= stopNow(graceMs)),
  }
}
