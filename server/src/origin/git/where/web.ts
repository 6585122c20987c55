import type { GitOriginConfig } from '../../../config/config.ts'
import { ModsteadError } from '../../../errors.ts'
import type { OriginOptions } from '../../../proxy/origin.ts'
import { connect } from '../../connect.ts'
import { createConnections, type Connections, type Lease, type LeaseOptions } from '../../connections.ts'
import { exchange, type Exchange } from '../../exchange.ts'
import { peer, type Peer } from '../../failures.ts'
import type { Outside } from '../../outside.ts'
import type { Trust } from '../../trust.ts'
import { createResting } from '../programs/gates.ts'

export interface HostRequest {
  url: URL
  /** Default: GET. */
  method?: 'GET' | 'POST'
  headers: Readonly<Record<string, string>>
  body?: string
}

export interface WebRequest extends HostRequest {
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

/** Hosts that nothing is asked of just now whose connections are kept, at most. */
const MOST_AT_REST = 32

/** The connections to one host. */
interface Pool {
  connections: Connections
  /** Requests that wait for a connection or have one. */
  users: number
  /** Takes it back into use, where it rests. */
  wake(): void
}

export function createWeb({ config, outside, open = connect }: WebOptions): Web {
  const { name, timeouts, connections } = config
  const { proxies, lookup } = outside
  const role = { kind: 'origin', name } as const
  const tries = outside.observer.counter(
    'modstead_origin_tries_total',
    'Requests sent to origins, repeated ones included.',
    ['origin'],
  )
  /**
   * By origin, so that a host that does not answer keeps nobody from another; and connections with one certificate are not
   * used for requests that show another, or none.
   */
  const pools = new Map<Trust, Map<string, Pool>>()
  const resting = createResting(MOST_AT_REST)

  function openPool(trust: Trust): Pool {
    const pool = createConnections(connections, (target, run) =>
      open(target, { role, timeouts, trust, proxies, ownHost: target.host, ...(lookup && { lookup }) }, run),
    )
    return { connections: pool, users: 0, wake: () => undefined }
  }

  /** Takes the pool of a host into use. Gives what ends that. */
  function enter(trust: Trust, { origin }: URL): { pool: Connections; leave(): void } {
    const byOrigin = pools.get(trust) ?? new Map<string, Pool>()
    pools.set(trust, byOrigin)
    const pool = byOrigin.get(origin) ?? openPool(trust)
    byOrigin.set(origin, pool)
    pool.wake()
    pool.users++
    let inside = true
    return {
      pool: pool.connections,
      leave() {
        if (!inside) return
        inside = false
        if (--pool.users > 0) return
        pool.wake = resting.add(() => {
          byOrigin.delete(origin)
          void pool.connections.close()
        })
      },
    }
  }

  /** A connection to the host of a URL, whose pool is in use until it is given back. */
  async function lease(trust: Trust, url: URL, options: LeaseOptions): Promise<Lease> {
    const { pool, leave } = enter(trust, url)
    try {
      const lent = await pool.lease(url, options)
      return {
        ...lent,
        release(reusable) {
          lent.release(reusable)
          leave()
        },
      }
    } catch (error) {
      leave()
      throw error
    }
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
      const lent = await lease(trust, url, { ...options, fresh: false, mayReach })
      try {
        return await sendOn(lent, request)
      } catch (error) {
        // A connection that was open before may be closed by now, which says nothing about the host.
        const isStale = lent.reused && error instanceof ModsteadError && error.code === 'upstream_unreachable'
        if (!isStale) throw error
        return sendOn(await lease(trust, url, { ...options, fresh: true, mayReach }), request)
      }
    },
    async close() {
      const all = [...pools.values()].flatMap((byOrigin) => [...byOrigin.values()])
      await Promise.all(all.map((pool) => pool.connections.close()))
    },
  }
}
