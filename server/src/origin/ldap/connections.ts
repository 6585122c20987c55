import type { SecureContext } from 'node:tls'
import type { LdapConfig, LdapServer } from '../../config/access/ldap.ts'
import { ModsteadError } from '../../errors.ts'
import type { Logger } from '../../observe/observer.ts'
import { connect, type Connection } from './connect.ts'
import { requestFailure, resultCode } from './failures.ts'

export interface Connections {
  /**
   * Does work on a connection that is bound as the account that searches. Where the connection had been broken before,
   * another one is taken, once. Throws `directory_unavailable`.
   */
  search<T>(doing: string, work: (connection: Connection) => Promise<T>, signal: AbortSignal): Promise<T>
  /** Does work on a connection of its own that is bound as nobody, and closed afterwards. Throws as `search`. */
  alone<T>(doing: string, work: (connection: Connection) => Promise<T>, signal: AbortSignal): Promise<T>
  close(): void
}

export interface ConnectionsOptions {
  config: Pick<LdapConfig, 'servers' | 'bind' | 'timeout' | 'connections'>
  trust: () => SecureContext
  log: Logger
  /** Milliseconds; need not be the time of day. */
  now: () => number
}

/** How long a server that failed is asked after all others. Milliseconds. */
const DOWN = 10_000
/** After this time unused, a connection may have been forgotten by what stands on the way. Milliseconds. */
const IDLE = 60_000
/** How long nothing is tried after all of them failed. Milliseconds. */
const GIVEN_UP = 1_000
/** The same where they refused the account that searches. Milliseconds. */
const REFUSED = 30_000

/** The connections to the servers of a directory: a few that search, and one for each password that is tried. */
export function createConnections({ config, trust, log, now }: ConnectionsOptions): Connections {
  const { servers, bind, timeout } = config
  const down = new Map<LdapServer, number>()
  const open = new Set<Connection>()
  let idle: { connection: Connection; since: number }[] = []
  const waiting: (() => void)[] = []
  const closing = new AbortController()
  let free = config.connections
  let givenUp: { until: number; error: ModsteadError } | undefined

  /** Opens a connection to the first server that can be reached, and makes it ready. */
  async function connectAny(
    ready: (connection: Connection) => Promise<void>,
    signal: AbortSignal,
  ): Promise<Connection> {
    if (givenUp !== undefined) {
      if (now() < givenUp.until) throw givenUp.error
      // One tries for all: whoever comes meanwhile need not wait for it.
      givenUp.until = now() + 4 * timeout * servers.length
    }
    const isDown = (server: LdapServer): number => ((down.get(server) ?? 0) > now() ? 1 : 0)
    let failure: ModsteadError | undefined
    for (const server of servers.toSorted((a, b) => isDown(a) - isDown(b))) {
      try {
        const either = AbortSignal.any([signal, closing.signal])
        const connection = await connect({ server, trust, timeout, signal: either })
        open.add(connection)
        await within(connection, signal, () => ready(connection)).catch((error: unknown) => {
          drop(connection)
          throw error
        })
        down.delete(server)
        givenUp = undefined
        return connection
      } catch (error) {
        failure = isOver(signal) ? ended(signal) : requestFailure(server, 'when this server signed in', error)
        if (isOver(signal)) break
        noteDown(server, failure)
      }
    }
    // Tried again and again, an account with a wrong password would be locked.
    const wait = resultCode(failure?.cause) === undefined ? GIVEN_UP : REFUSED
    givenUp = failure!.code === 'aborted' ? undefined : { until: now() + wait, error: failure! }
    throw failure!
  }

  function noteDown(server: LdapServer, failure: ModsteadError): void {
    if (!down.has(server))
      log.warn({ err: failure, server: server.url }, 'a server of the directory cannot be used')
    down.set(server, now() + DOWN)
  }

  const isOver = (signal: AbortSignal): boolean => signal.aborted || closing.signal.aborted

  /** Why nobody waits any more. */
  function ended(signal: AbortSignal): ModsteadError {
    const { name } = (signal.reason ?? {}) as { name?: unknown }
    return !closing.signal.aborted && name === 'TimeoutError'
      ? new ModsteadError('directory_unavailable', 'the directory did not answer in time')
      : new ModsteadError('aborted', 'the directory was not asked to the end')
  }

  async function signIn(connection: Connection): Promise<void> {
    if (bind !== undefined) await connection.bind(bind.dn, bind.password)
  }

  /** Work that ends with the connection when nobody waits for it any more. */
  async function within<T>(connection: Connection, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (isOver(signal)) throw ended(signal)
    const end = (): void => drop(connection)
    signal.addEventListener('abort', end, { once: true })
    try {
      return await work()
    } finally {
      signal.removeEventListener('abort', end)
    }
  }

  function drop(connection: Connection): void {
    open.delete(connection)
    connection.close()
  }

  /** What failed. Where a server gave no answer, its other connections give none either, and it is asked last for a while. */
  function failed({ server }: Connection, doing: string, error: unknown, signal: AbortSignal): ModsteadError {
    if (isOver(signal)) return ended(signal)
    const failure = requestFailure(server, doing, error)
    if (resultCode(error) === undefined && !(error instanceof ModsteadError)) {
      noteDown(server, failure)
      for (const { connection } of idle) if (connection.server === server) drop(connection)
    }
    return failure
  }

  async function turn(signal: AbortSignal): Promise<void> {
    if (isOver(signal)) throw ended(signal)
    if (free > 0) {
      free--
      return
    }
    const mine = Promise.withResolvers<void>()
    const giveUp = (): void => {
      waiting.splice(waiting.indexOf(mine.resolve), 1)
      mine.reject(ended(signal))
    }
    waiting.push(mine.resolve)
    signal.addEventListener('abort', giveUp, { once: true })
    await mine.promise.finally(() => signal.removeEventListener('abort', giveUp))
  }

  function endTurn(): void {
    const next = waiting.shift()
    if (next === undefined) free++
    else next()
  }

  function takeIdle(): Connection | undefined {
    idle = idle.filter(({ connection, since }) => {
      const isGood = connection.isOpen() && now() - since < IDLE
      if (!isGood) drop(connection)
      return isGood
    })
    return idle.pop()?.connection
  }

  function keep(connection: Connection): void {
    idle.push({ connection, since: now() })
  }

  return {
    async search(doing, work, signal) {
      await turn(signal)
      try {
        for (;;) {
          const kept = takeIdle()
          const connection = kept ?? (await connectAny(signIn, signal))
          try {
            const result = await within(connection, signal, () => work(connection))
            keep(connection)
            return result
          } catch (error) {
            // After a result the connection is as good as before.
            if (resultCode(error) !== undefined) keep(connection)
            else drop(connection)
            // Directories close those that are idle.
            if (kept === undefined || isOver(signal) || !isBroken(error))
              throw failed(connection, doing, error, signal)
          }
        }
      } finally {
        endTurn()
      }
    },
    async alone(doing, work, signal) {
      const connection = await connectAny(() => Promise.resolve(), signal)
      try {
        return await within(connection, signal, () => work(connection))
      } catch (error) {
        throw failed(connection, doing, error, signal)
      } finally {
        drop(connection)
      }
    },
    close() {
      closing.abort()
      for (const connection of open) drop(connection)
    },
  }
}

/** The connection had ended before it was used: the library says so in words only. */
function isBroken(error: unknown): boolean {
  return (
    error instanceof Error &&
    !(error instanceof ModsteadError) &&
    /Socket error|closed|not established/.test(error.message)
  )
}
