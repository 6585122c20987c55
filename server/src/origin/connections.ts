import { ModsteadError } from '../errors.ts'
import type { Connection } from './connect.ts'
import { createSlots } from './slots.ts'

/** A connection lent for one request. */
export interface Lease {
  readonly connection: Connection
  /** It carried a request before: the host may have closed it since without our knowing. */
  readonly reused: boolean
  /** The borrower's signal, which also fires when all connections are closed. */
  readonly signal: AbortSignal
  /** Gives it back, or closes it where it cannot carry another request. The first call counts. */
  release(reusable: boolean): void
}

export interface LeaseOptions {
  priority: 'client' | 'background'
  /** Fires when a client begins to wait for what was background work. */
  promoted?: AbortSignal
  signal: AbortSignal
  /** Do not take a connection that was used before. */
  fresh: boolean
  mayReach: (address: string) => boolean
}

/** The connections of one origin: bounded in number, those to all hosts that it redirects to included. */
export interface Connections {
  /** Throws what opening throws, the reason of the signal, or `shutting_down` after `close`. */
  lease(url: URL, options: LeaseOptions): Promise<Lease>
  /** Closes all of them; what runs on them fails. */
  close(): Promise<void>
}

type Open = (url: URL, run: Pick<LeaseOptions, 'signal' | 'mayReach'>) => Promise<Connection>

/** `size` bounds the open connections, used and unused together. */
export function createConnections(size: number, open: Open): Connections {
  const slots = createSlots(size)
  const closing = new AbortController()
  const opened = new Set<Connection>()
  let lent = 0
  /** Unused ones, least recently used first. */
  const idle = new Map<Connection, string>()

  function takeIdle(url: URL, mayReach: LeaseOptions['mayReach']): Connection | undefined {
    // The most recently used one is the least likely to have been closed by the host.
    const candidates = [...idle].filter(
      ([{ address }, origin]) => origin === url.origin && (address === undefined || mayReach(address)),
    )
    const connection = candidates.at(-1)?.[0]
    if (connection !== undefined) idle.delete(connection)
    return connection
  }

  async function openFor(url: URL, options: LeaseOptions): Promise<Connection> {
    const oldest = idle.keys().next().value
    if (oldest !== undefined && lent + idle.size > size) drop(oldest)
    const connection = await open(url, options)
    opened.add(connection)
    connection.client.on('disconnect', () => drop(connection))
    if (closing.signal.aborted) drop(connection)
    return connection
  }

  function drop(connection: Connection): void {
    idle.delete(connection)
    if (!opened.delete(connection)) return
    // Nothing runs on it any more but what is meant to fail with it.
    connection.client.destroy(new Error('the connection is no longer needed'), () => undefined)
    // The client takes the socket at its first request, which may never have come.
    connection.socket.destroy()
  }

  return {
    async lease(url, options) {
      const { priority, promoted, fresh, mayReach } = options
      const signal = AbortSignal.any([options.signal, closing.signal])
      const free = await slots.take(priority, signal, promoted)
      lent++
      try {
        const known = fresh ? undefined : takeIdle(url, mayReach)
        const connection = known ?? (await openFor(url, { ...options, signal }))
        let held = true
        return {
          connection,
          reused: known !== undefined,
          signal,
          release(reusable) {
            if (!held) return
            held = false
            lent--
            if (reusable && opened.has(connection)) idle.set(connection, url.origin)
            else drop(connection)
            free()
          },
        }
      } catch (error) {
        lent--
        free()
        throw error
      }
    },
    async close() {
      closing.abort(new ModsteadError('shutting_down', 'modstead is shutting down'))
      for (const connection of opened) drop(connection)
    },
  }
}
