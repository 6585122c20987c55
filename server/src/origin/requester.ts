import type { OriginCredentials, OriginTimeouts } from '../config/config.ts'
import type { OriginOptions } from '../proxy/origin.ts'
import { ModsteadError } from '../errors.ts'
import { readErrorText } from './body.ts'
import { connect } from './connect.ts'
import { createConnections, type Lease } from './connections.ts'
import { createCredentials } from './credentials.ts'
import { exchange, type Exchange } from './exchange.ts'
import { peer, type Peer, type Role } from './failures.ts'
import type { Outside } from './outside.ts'
import { isLoopbackAddress } from './public-address.ts'
import { isRedirect, reachFor, redirectTarget } from './redirects.ts'
import { statusFailure } from './statuses.ts'
import { createTrust } from './trust.ts'

export interface RequesterOptions {
  role: Role
  /** The configured URL, of which host and login count here. */
  url: URL
  credentials?: OriginCredentials
  ca?: string
  timeouts: OriginTimeouts
  connections: number
  outside: Outside
  /** The URL is not configured, but was read somewhere: only public addresses are connected to. */
  onAStrangersWord?: boolean
}

export type Headers = Record<string, string>

/** A 200 whose body is still arriving, and who it comes from after all redirects. */
export interface Answer {
  answer: Exchange
  from: Peer
}

/** Sends single requests: with credentials, over kept connections, through redirects. */
export interface Requester {
  /**
   * Asks for `target`, which is on the configured host; `unchanged` is 304 to a conditional request. Throws what
   * `connect`, `exchange`, `redirectTarget` and `statusFailure` throw.
   */
  ask(target: URL, headers: Headers, options: OriginOptions): Promise<Answer | 'unchanged'>
  close(): Promise<void>
}

/** Throws `config_invalid` where credentials or certificates cannot be used. */
export function createRequester(options: RequesterOptions): Requester {
  const { role, url, credentials, ca, timeouts, outside } = options
  const { proxies, lookup, observer } = outside
  const { name } = role
  const own = peer(role, url.host)
  const login = createCredentials({ name, peer: own, base: url, configured: credentials })
  const certificate = credentials?.kind === 'clientCertificate' ? credentials : undefined
  const trust = createTrust({ name, ca, certificate })
  const { onAStrangersWord = false } = options
  const configuredHosts = new Set([...outside.configuredHosts, ...(onAStrangersWord ? [] : [url.host])])
  const connections = createConnections(options.connections, (target, run) =>
    connect(target, { role, timeouts, trust, proxies, ownHost: url.host, lookup }, run),
  )
  const tries = observer.counter(
    'modstead_origin_tries_total',
    'Requests sent to origins, repeated ones included.',
    ['origin'],
  )

  async function ask(first: URL, headers: Headers, options: OriginOptions): Promise<Answer | 'unchanged'> {
    let target = first
    let fromLoopback = false
    for (let followed = 0; ; followed++) {
      const from = peer(role, target.host)
      const mayReach = reachFor(target, { configuredHosts, fromLoopback })
      const authorization = await login.authorizationFor(target)
      const all = authorization === undefined ? headers : { ...headers, authorization }
      const { answer, address } = await send(target, all, { ...options, from, mayReach })
      if (answer.status === 200) return { answer, from }
      if (answer.status === 304 && ('if-none-match' in headers || 'if-modified-since' in headers)) {
        await readErrorText(answer)
        return 'unchanged'
      }
      if (!isRedirect(answer.status)) throw await statusFailure(answer, from, authorization)
      await readErrorText(answer)
      target = redirectTarget(target, answer.headers.location, { followed, peer: from })
      fromLoopback = address !== undefined && isLoopbackAddress(address)
    }
  }

  /** A connection that was open before may be closed by now, which says nothing about the host: then a new one. */
  async function send(
    target: URL,
    headers: Headers,
    options: OriginOptions & { from: Peer; mayReach: (address: string) => boolean },
  ): Promise<{ answer: Exchange; address: string | undefined }> {
    const request = { path: target.pathname + target.search, headers, peer: options.from, timeouts }
    const lease = await connections.lease(target, { ...options, fresh: false })
    try {
      return await sendOn(lease, request)
    } catch (error) {
      const isStale = lease.reused && error instanceof ModsteadError && error.code === 'upstream_unreachable'
      if (!isStale) throw error
      return sendOn(await connections.lease(target, { ...options, fresh: true }), request)
    }
  }

  async function sendOn(
    lease: Lease,
    request: Parameters<typeof exchange>[1],
  ): Promise<{ answer: Exchange; address: string | undefined }> {
    tries.add(1, name)
    return { answer: await exchange(lease, request), address: lease.connection.address }
  }

  return { ask, close: () => connections.close() }
}
