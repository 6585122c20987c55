import type { GitOriginConfig } from '../../config/config.ts'
import { ModsteadError } from '../../errors.ts'
import type { OriginOptions } from '../../proxy/origin.ts'
import { connect } from '../connect.ts'
import { createConnections, type Connections, type Lease } from '../connections.ts'
import { exchange, type Exchange } from '../exchange.ts'
import { peer, type Peer } from '../failures.ts'
import type { Outside } from '../outside.ts'
import type { Trust } from '../trust.ts'

export interface WebRequest {
  url: URL
  method?: 'GET' | 'POST'
  headers: Readonly<Record<string, string>>
  body?: string
  /** Whom we trust on the way to this URL, and which certificate is shown there. */
  trust: Trust
  /** Which addresses of its host may be connected to. */
  mayReach: (address: string) => boolean
}

/** Sends the requests of one git origin that are not git's own: no redirects, no retries, every status is an answer. */
export interface Web {
  /** Throws what `connect` and `exchange` throw. */
  send(request: WebRequest, options: OriginOptions): Promise<Exchange>
  peerOf(url: URL): Peer
  close(): Promise<void>
}

export interface WebOptions {
  config: Pick<GitOriginConfig, 'name' | 'timeouts' | 'connections'>
  outside: Outside
  /** How a connection is opened; default: as every origin does it. */
  open?: typeof connect
}

const USER_AGENT = 'modstead'

export function createWeb({ config, outside, open = connect }: WebOptions): Web {
  const { name, timeouts, connections } = config
  const { proxies, lookup } = outside
  const role = { kind: 'origin', name } as const
  const tries = outside.observer.counter(
    'modstead_origin_tries_total',
    'Requests sent to origins, repeated ones included.',
    ['origin'],
  )
  /** Connections with one certificate are not used for requests that show another, or none. */
  const pools = new Map<Trust, Connections>()

  function poolOf(trust: Trust): Connections {
    const known = pools.get(trust)
    if (known !== undefined) return known
    const pool = createConnections(connections, (target, run) =>
      open(target, { role, timeouts, trust, proxies, ownHost: target.host, ...(lookup && { lookup }) }, run),
    )
    pools.set(trust, pool)
    return pool
  }

  function sendOn(lease: Lease, request: WebRequest): Promise<Exchange> {
    const { url, method, headers, body } = request
    tries.add(1, name)
    return exchange(lease, {
      path: url.pathname + url.search,
      headers: { 'user-agent': USER_AGENT, ...headers },
      peer: peer(role, url.host),
      timeouts,
      ...(method !== undefined && { method }),
      ...(body !== undefined && { body }),
    })
  }

  return {
    peerOf: (url) => peer(role, url.host),
    async send(request, options) {
      const { url, trust, mayReach } = request
      const pool = poolOf(trust)
      const lease = await pool.lease(url, { ...options, fresh: false, mayReach })
      try {
        return await sendOn(lease, request)
      } catch (error) {
        // A connection that was open before may be closed by now, which says nothing about the host.
        const isStale =
          lease.reused && error instanceof ModsteadError && error.code === 'upstream_unreachable'
        if (!isStale) throw error
        return sendOn(await pool.lease(url, { ...options, fresh: true, mayReach }), request)
      }
    },
    async close() {
      await Promise.all(Array.from(pools.values(), (pool) => pool.close()))
    },
  }
}
