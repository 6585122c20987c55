import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { AuditTrail } from '../audit/trail.ts'
import type { CertificatesByConnection } from '../access/certificates/client-certificate.ts'
import { formatListenAddress, goproxyUrl } from '../config/address.ts'
import type { Config, ListenAddress } from '../config/config.ts'
import { ModsteadError } from '../errors.ts'
import type { Limits } from '../limits/limits.ts'
import type { Observer } from '../observe/observer.ts'
import { createBufferPool } from './buffer-pool.ts'
import { refusalOfClientError, refuseConnection } from './client-errors.ts'
import { createConnections } from './connections.ts'
import { openListener, TIMEOUTS, type Listener, type ListenerTimeouts } from './listener.ts'
import { refuse } from './refuse.ts'
import { createRoutes } from './routes.ts'
import { createFileSender } from './send-file.ts'
import { createPeerTrust, senderOf } from './sender.ts'
import type { Site, SiteOptions } from './site.ts'
import { createSites, type TenantSite } from './sites.ts'
import { clientCertificateOf } from './tls/client-certificate.ts'
import { openServerTls, type ServerTls } from './tls/server-tls.ts'
import { createTraffic, type Exchange } from './traffic.ts'

export interface HttpServerOptions extends SiteOptions {
  config: SiteOptions['config'] &
    Pick<Config, 'listen' | 'publicUrl' | 'tls' | 'memory' | 'log' | 'trustedProxies' | 'audit'>
  /** What is done is recorded there; with `config.audit`. */
  audit?: AuditTrail
  /** The tenants' own. Default: there are none. */
  tenants?: readonly TenantSite[]
  /** Absent: there are none. */
  limits?: Limits
  /** Told how long it took until an answer began that memory did not have. Milliseconds. */
  answered?: (ms: number) => void
  /** Where sites find the client certificates of connections. Absent: they count for nothing. */
  certificates?: CertificatesByConnection
  observer: Observer
  /** Why no work should be sent here now, a sentence each; empty when ready. */
  ready: (signal: AbortSignal) => Promise<readonly string[]>
  /** What whoever runs this server should see to, a sentence each; it works all the same. */
  warnings?: () => readonly string[]
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
  /** Looks at once whether the files of `tls` have changed, which is else done every two seconds. Never rejects. */
  reload(): Promise<void>
}

/** A request that memory could not answer. */
interface Ongoing {
  site: Site
  exchange: Exchange
}

type Handler = (req: IncomingMessage, res: ServerResponse) => void

const isRead = ({ method }: IncomingMessage): boolean => method === 'GET' || method === 'HEAD'

/** Bytes of the big buffers that all downloads from disk share, and the sizes of buffers. */
const BUFFERS = { bound: 32 << 20, big: 1 << 20, small: 64 << 10 }
/** How often uses and counts are handed on. Milliseconds. */
const FLUSH = 10_000

/** The listeners: the hot path first, then pages and files. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { config, observer } = options
  const traffic = createTraffic(observer, { logsAll: config.log.requests })
  const connections = createConnections()
  const lookAtPeer = createPeerTrust(config.trustedProxies)
  const pool = createBufferPool(BUFFERS)
  const sites = createSites({
    root: options,
    tenants: options.tenants ?? [],
    server: config,
    fallbackAddress: (prefix) =>
      goproxyUrl({ ...config, pathPrefix: prefix }, addresses()) ?? 'http://localhost',
    shared: {
      observer,
      version: options.version,
      traffic,
      sendFile: createFileSender(pool),
      ...(options.limits && { limits: options.limits }),
      ...(options.answered && { answered: options.answered }),
      ...(options.audit !== undefined && {
        audit: { trail: options.audit, share: config.audit?.downloads ?? 1 },
      }),
    },
  })
  const ongoing = new WeakMap<IncomingMessage, Ongoing>()
  const timer = setInterval(flush, FLUSH)
  timer.unref()
  let listeners: Listener[] = []
  let tls: ServerTls | undefined
  let stopping: Promise<void> | undefined

  observer.gauge('modstead_memory_bytes', 'Bytes of ready answers in memory.', () =>
    sites.all.reduce((sum, { memory }) => sum + memory.size(), 0),
  )
  observer.gauge('modstead_memory_entries', 'Ready answers in memory.', () =>
    sites.all.reduce((sum, { memory }) => sum + memory.count(), 0),
  )
  observer.gauge('modstead_http_connections', 'Open connections.', () => connections.count())
  observer.gauge('modstead_send_buffer_bytes', 'Bytes of big send buffers in use.', () => pool.inUse())

  function flush(): void {
    for (const site of sites.all) site.flush()
    traffic.flush()
  }

  const routes = createRoutes({
    pagesOf: (req) => ongoing.get(req)!.site.pages,
    version: options.version,
    ready: async (signal) =>
      connections.draining ? ['this server is shutting down'] : options.ready(signal),
    warnings: () => [...(options.warnings?.() ?? []), ...(tls?.warnings() ?? [])],
    observer,
    beforeMetrics: flush,
    answerFile,
    onPage: (req) => note(req, { kind: 'page' }),
    onRefusal(req, res, error) {
      note(req, { error })
      return ongoing.get(req)?.site.audit?.refused(req, res, error)
    },
  })

  function note(req: IncomingMessage, facts: Partial<Exchange>): void {
    const known = ongoing.get(req)
    if (known !== undefined) Object.assign(known.exchange, facts)
  }

  function onRequest(handle: Handler) {
    return (req: IncomingMessage, res: ServerResponse): void => {
      if (connections.draining) res.shouldKeepAlive = false
      const site = sites.enter(req)
      if (site.answerFromMemory(req, res)) return
      if (isRead(req) && site.access.isUnknown(req)) void answerOnceKnown(site, req, res, handle)
      else answerSlowly(site, req, res, handle, performance.now())
    }
  }

  /** Finds out who asks, and looks into memory again. Never rejects. */
  async function answerOnceKnown(
    site: Site,
    req: IncomingMessage,
    res: ServerResponse,
    handle: Handler,
  ): Promise<void> {
    const started = performance.now()
    // A refusal is told where it is known whether what is asked for takes a credential at all.
    await site.access.identify(senderOf(req)).catch(() => undefined)
    site.audit?.identified(req)
    if (!req.socket.destroyed && !site.answerFromMemory(req, res))
      answerSlowly(site, req, res, handle, started)
  }

  function answerSlowly(
    site: Site,
    req: IncomingMessage,
    res: ServerResponse,
    handle: Handler,
    started: number,
  ): void {
    const { tenant } = site
    const exchange: Exchange = { kind: 'other', bytes: 0, ...(tenant !== undefined && { tenant }) }
    ongoing.set(req, { site, exchange })
    site.audit?.begin(req, res)
    res.once('close', () => {
      if (!res.writableFinished && exchange.error === undefined) exchange.aborted = true
      traffic.done(req, res, exchange, started)
      site.audit?.done(req, res, exchange)
    })
    if (site.comesFirst(req)) void answerFile(req, res)
    else handle(req, res)
  }

  /** Answers everything but pages. Never rejects. */
  async function answerFile(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { site, exchange } = ongoing.get(req)!
    const running = connections.begin(req.socket, res)
    try {
      if (running === undefined)
        throw new ModsteadError('bad_request', 'too many requests at once on one connection')
      const via = req.headers['modstead-via']?.toString()
      if (via !== undefined && options.isLoop(via))
        throw new ModsteadError('loop', 'the request has been through this server before', {
          next: 'take the address of this server out of its own origin list',
        })
      await site.answer({ req, res, signal: running.signal, exchange })
    } catch (error) {
      exchange.error = error
      // What is left of a body would be taken for the next request.
      if (req.method !== 'GET' && req.method !== 'HEAD' && !req.complete) res.shouldKeepAlive = false
      if (running?.signal.aborted === true) exchange.aborted = true
      if (res.headersSent) {
        exchange.cut = true
        res.destroy()
      } else {
        const decision = site.audit?.refused(req, res, error)
        exchange.bytes = await refuse(error, req, res, site.actionFor(req)?.refusalFor, decision)
      }
    } finally {
      running?.done()
    }
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
    tls?.close()
    clearInterval(timer)
    flush()
    for (const site of sites.all) site.close()
    await (await routes).close()
  }

  return {
    addresses,
    async listen() {
      const { handle } = await routes
      tls = config.tls && (await openServerTls(config.tls, observer))
      const shared = {
        tls: tls?.files,
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
              onConnection(socket) {
                lookAtPeer(socket, 'socket' in address)
                connections.add(socket)
              },
            }),
          )
        for (const { address, clients, trustDomain } of tls?.clientAddresses ?? [])
          listeners.push(
            await openListener({
              ...shared,
              address,
              clients,
              onRequest: onRequest(handle),
              onConnection(socket) {
                lookAtPeer(socket, false)
                const presented = clientCertificateOf(socket as TLSSocket, trustDomain)
                if (presented !== undefined) options.certificates?.set(socket, presented)
                connections.add(socket)
              },
            }),
          )
      } catch (error) {
        for (const listener of listeners) listener.close()
        listeners = []
        tls?.close()
        throw error
      }
      const scheme = config.tls === undefined ? 'http' : 'https'
      return addresses().map((address) =>
        'socket' in address ? formatListenAddress(address) : `${scheme}://${formatListenAddress(address)}`,
      )
    },
    stop: (graceMs) => (stopping ??= stopNow(graceMs)),
    reload: async () => tls?.look(),
  }
}
