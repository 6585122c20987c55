import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ModsteadError } from '../errors.ts'

/** A request that takes its time. */
export interface Running {
  /** Fires with `aborted` when the client is gone. */
  signal: AbortSignal
  /** To be called once, when its answer is handed over or broken off. */
  done(): void
}

/** Every open connection, and which of them are at work: what it takes to hear of clients that leave and to stop. */
export interface Connections {
  /** A connection on which requests may come; for TLS after its handshake. */
  add(socket: Socket): void
  /** Begins a request. `undefined` when the connection has too many at once, or is gone already. */
  begin(socket: Socket, res: ServerResponse): Running | undefined
  /** Whether a request of this connection has no whole answer yet, so that nothing else may be written to it. */
  isBusy(socket: Socket): boolean
  count(): number
  /**
   * Ends each connection once its requests are answered, and after `grace` milliseconds all that are left. Those just
   * accepted have a moment to bring their first request. Resolves when none is open.
   */
  drain(grace: number): Promise<void>
  readonly draining: boolean
}

interface Connection {
  running: Set<{ res: ServerResponse; controller: AbortController }>
  /** It is closed as soon as what was handed to it is flushed. */
  ending: boolean
}

/** Pipelined requests of one connection that are worked on at once. `go` and browsers pipeline none. */
const MOST_AT_ONCE = 64
/** How long a connection without a request is left open when draining begins, and how often it is looked at. */
const SETTLE = 100
const LOOK = 20

export function createConnections(): Connections {
  const connections = new Map<Socket, Connection>()
  let draining = false

  function remove(this: Socket): void {
    const connection = connections.get(this)
    if (connection === undefined) return
    connections.delete(this)
    for (const { controller } of connection.running)
      controller.abort(new ModsteadError('aborted', 'the client closed the connection'))
  }

  function isBusy(socket: Socket): boolean {
    return (connections.get(socket)?.running.size ?? 0) > 0
  }

  return {
    isBusy,
    add(socket) {
      connections.set(socket, { running: new Set(), ending: false })
      // Each pipelined request may listen for the end of its connection.
      socket.setMaxListeners(MOST_AT_ONCE + 16)
      socket.once('close', remove)
    },
    begin(socket, res) {
      const running = connections.get(socket)?.running
      if (running === undefined || running.size >= MOST_AT_ONCE) return undefined
      const entry = { res, controller: new AbortController() }
      running.add(entry)
      return { signal: entry.controller.signal, done: () => running.delete(entry) }
    },
    count: () => connections.size,
    get draining() {
      return draining
    },
    async drain(grace) {
      draining = true
      // Answers whose head is not written yet tell their clients that the connection ends with them.
      for (const { running } of connections.values())
        for (const { res } of running) res.shouldKeepAlive = false
      const start = performance.now()
      for (;;) {
        const waited = performance.now() - start
        for (const [socket, connection] of connections) {
          if (waited >= grace) socket.destroy()
          else if (waited >= SETTLE && connection.running.size === 0 && !connection.ending) {
            connection.ending = true
            socket.destroySoon()
          }
        }
        if (connections.size === 0) return
        const { promise, resolve } = Promise.withResolvers<void>()
        setTimeout(resolve, LOOK)
        await promise
      }
    },
  }
}
