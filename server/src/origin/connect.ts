import type { Socket } from 'node:net'
import type { Client } from 'undici'
import type { OriginTimeouts } from '../config/config.ts'
import { ModsteadError } from '../errors.ts'
import { basic, userinfo } from './credentials.ts'
import { within } from './deadline.ts'
import { dial, notPublic, secure, type Lookup } from './dial.ts'
import { failure, peer, timedOut, unreachable, type Peer, type Role } from './failures.ts'
import { hostOf, type ProxyEnvironment } from './proxy-environment.ts'
import type { Trust } from './trust.ts'

/** An open connection that can carry one HTTP/1.1 request at a time to one host. */
export interface Connection {
  readonly client: Client
  readonly socket: Socket
  /** What is sent before the path: an HTTP proxy wants the whole URL of a plain http request. */
  readonly pathPrefix: string
  /** What every request on it carries. */
  readonly headers: Readonly<Record<string, string>>
  /** The address it leads to; `undefined` through a proxy, which does its own look-ups. */
  readonly address: string | undefined
}

export interface ConnectOptions {
  role: Role
  timeouts: OriginTimeouts
  trust: Trust
  proxies: ProxyEnvironment
  /** The configured host (with port): the one that may be shown the client certificate. */
  ownHost: string
  lookup?: Lookup
}

/** How long an unused connection is kept, unless the host asks for less. */
const KEEP_ALIVE = 50_000

/**
 * Connects to the host of `url`, through the environment's HTTP proxy where there is one. Throws what `dial` and
 * `secure` throw, and `upstream_refused` where the proxy refuses.
 */
export async function connect(
  url: URL,
  options: ConnectOptions,
  run: { signal: AbortSignal; mayReach: (address: string) => boolean },
): Promise<Connection> {
  const { role, proxies } = options
  const proxy = proxies.proxyFor(url)
  if (proxy !== undefined) return connectThrough(proxy, url, options, run)
  const { timeouts, lookup } = options
  const target = peer(role, url.host)
  const plain = await dial({ ...endOf(url), peer: target, timeouts, ...run, lookup })
  const address = plain.remoteAddress
  const socket = url.protocol === 'https:' ? await secureFor(url, plain, options, run.signal) : plain
  return { client: await clientOn(socket, url), socket, pathPrefix: '', headers: {}, address }
}

async function connectThrough(
  proxy: URL,
  url: URL,
  options: ConnectOptions,
  run: { signal: AbortSignal; mayReach: (address: string) => boolean },
): Promise<Connection> {
  const { timeouts, trust, lookup } = options
  const { signal } = run
  refuseLiteral(url, peer(options.role, url.host), run.mayReach)
  const target = peer(options.role, url.host)
  const middle: Peer = { ...target, label: `the HTTP proxy ${proxy.host} on the way to ${target.label}` }
  const end = endOf(proxy)
  const plain = await dial({
    ...end,
    peer: middle,
    timeouts,
    signal,
    mayReach: () => true,
    lookup,
  })
  const context = { ...end, peer: middle, timeouts, signal }
  const socket =
    proxy.protocol === 'https:' ? await secure(plain, { ...context, context: trust.otherHosts() }) : plain
  const client = await clientOn(socket, proxy)
  const headers = proxyHeaders(proxy)
  if (url.protocol === 'http:') {
    const toProxy = { pathPrefix: url.origin, headers: { ...headers, host: url.host } }
    return { client, socket, ...toProxy, address: undefined }
  }
  const tunnel = await openTunnel(client, { url, headers, middle, ms: timeouts.connect, signal })
  const secured = await secureFor(url, tunnel, options, signal)
  return {
    client: await clientOn(secured, url),
    socket: secured,
    pathPrefix: '',
    headers: {},
    address: undefined,
  }
}

async function openTunnel(
  client: Client,
  options: { url: URL; headers: Record<string, string>; middle: Peer; ms: number; signal: AbortSignal },
): Promise<Socket> {
  const { url, headers, middle, ms, signal } = options
  const target = `${url.hostname}:${url.port || '443'}`
  const late = (): Error => timedOut(middle, 'opening a tunnel', ms)
  try {
    const asked = client.connect({ path: target, headers: { ...headers, host: target } })
    const { statusCode, socket } = await within(asked, { ms, signal, late })
    if (statusCode >= 200 && statusCode < 300) return socket as Socket
    socket.destroy()
    throw failure('upstream_refused', middle, `answered ${statusCode} when asked for a tunnel to ${url.host}`)
  } catch (error) {
    await client.destroy()
    throw error instanceof ModsteadError ? error : unreachable(middle, error)
  }
}

async function secureFor(
  url: URL,
  plain: Socket,
  options: ConnectOptions,
  signal: AbortSignal,
): Promise<Socket> {
  const { role, timeouts, trust, ownHost } = options
  const context = url.host === ownHost ? trust.ownHost() : trust.otherHosts()
  return secure(plain, { host: hostOf(url), peer: peer(role, url.host), timeouts, signal, context })
}

/** An HTTP client that owns `socket` and never opens another. All deadlines are those of `exchange`. */
async function clientOn(socket: Socket, url: URL): Promise<Client> {
  // Loaded with the first connection: a server is to answer from what it stores before that.
  const { Client } = await import('undici')
  let given = false
  return new Client(url.origin, {
    allowH2: false,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE,
    keepAliveMaxTimeout: KEEP_ALIVE,
    connect(_options, callback) {
      const once = given
      given = true
      // The client is in the middle of its own bookkeeping when it asks.
      queueMicrotask(() => (once ? callback(connectionLost(), null) : callback(null, socket)))
    },
  })
}

function connectionLost(): Error {
  return Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' })
}

/** A proxy looks names up itself, so that only addresses written as such can be judged here. */
export function refuseLiteral(url: URL, peer: Peer, mayReach: (address: string) => boolean): void {
  const host = hostOf(url)
  const address = host === 'localhost' ? '127.0.0.1' : host
  const isName = !/^[0-9.]+$|:/.test(address)
  if (!isName && !mayReach(address)) throw notPublic(peer)
}

function endOf(url: URL): { host: string; port: number } {
  return { host: hostOf(url), port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)) }
}

function proxyHeaders(proxy: URL): Record<string, string> {
  const login = userinfo(proxy)
  return login === undefined ? {} : { 'proxy-authorization': basic(login) }
}
