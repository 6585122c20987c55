import { lookup as systemLookup } from 'node:dns'
import { once } from 'node:events'
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext } from 'node:tls'
import type { OriginTimeouts } from '../config/config.ts'
import { ModsteadError } from '../errors.ts'
import { within } from './deadline.ts'
import { errorCode, failure, isCertificateProblem, timedOut, unreachable, type Peer } from './failures.ts'
import { mayRetry } from './retry.ts'

/** All addresses of a name, in the order to try them. */
export type Lookup = (hostname: string) => Promise<{ address: string; family: number }[]>

export interface DialOptions {
  /** Name or address, IPv6 without brackets. */
  host: string
  port: number
  peer: Peer
  timeouts: Pick<OriginTimeouts, 'lookup' | 'connect' | 'tls'>
  signal: AbortSignal
  /** Which of its addresses may be connected to. They are checked after the look-up, and no second look-up follows. */
  mayReach: (address: string) => boolean
  lookup?: Lookup
}

/**
 * Opens a TCP connection. Throws `upstream_timeout`, `upstream_unreachable`, or `upstream_invalid` where the host has
 * no address that may be reached.
 */
export async function dial(options: DialOptions): Promise<Socket> {
  const { host, port, peer, timeouts, signal } = options
  const addresses = await reachableAddresses(options)
  const socket = connectTcp({
    host,
    port,
    lookup: fixedLookup(addresses),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: 300,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
  })
  const late = (): Error => timedOut(peer, 'connecting', timeouts.connect)
  return ready(socket, 'connect', { ms: timeouts.connect, signal, late, peer })
}

export interface SecureOptions extends Pick<DialOptions, 'host' | 'peer' | 'timeouts' | 'signal'> {
  context: SecureContext
  /** What is to be spoken over it, for ALPN. Default: HTTP/1.1. */
  protocols?: string[]
}

/** Speaks TLS on a connection, which it owns from now on. Throws `upstream_timeout` or `upstream_unreachable`. */
export async function secure(socket: Socket, options: SecureOptions): Promise<Socket> {
  const { host, peer, timeouts, signal, context, protocols = ['http/1.1'] } = options
  const secured = connectTls({
    socket,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    secureContext: context,
    ...(protocols.length > 0 && { ALPNProtocols: protocols }),
    rejectUnauthorized: true,
  })
  const late = (): Error => timedOut(peer, 'TLS handshake', timeouts.tls)
  try {
    return await ready(secured, 'secureConnect', { ms: timeouts.tls, signal, late, peer })
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** The addresses that may be connected to, at least one. Throws like `dial`. */
export async function reachableAddresses(
  options: Pick<DialOptions, 'host' | 'peer' | 'signal' | 'mayReach' | 'lookup'> & {
    timeouts: Pick<OriginTimeouts, 'lookup'>
  },
): Promise<{ address: string; family: number }[]> {
  const { host, peer, timeouts, signal, mayReach, lookup = lookupAll } = options
  const family = isIP(host)
  const late = (): Error => timedOut(peer, 'looking up its name', timeouts.lookup)
  const found =
    family > 0
      ? [{ address: host, family }]
      : await within(named(lookup, host, peer), { ms: timeouts.lookup, signal, late })
  const allowed = found.filter(({ address }) => mayReach(address))
  if (allowed.length > 0) return allowed
  throw notPublic(peer)
}

/** For a host that a stranger named: a redirect, a page, a module path. */
export function notPublic(peer: Peer): ModsteadError {
  return failure('upstream_invalid', peer, 'has no public address, and is not configured', {
    next: 'if that host is meant to be asked, configure it as an origin, or in "hosts" of the git origin',
  })
}

async function named(lookup: Lookup, host: string, peer: Peer): ReturnType<Lookup> {
  try {
    return await lookup(host)
  } catch (error) {
    throw connectFailure(peer, error)
  }
}

/** Worth another try, unless it is a plain answer: there is no such name, or there is one we do not trust. */
function connectFailure(peer: Peer, cause: unknown): ModsteadError {
  const error = unreachable(peer, cause)
  const code = errorCode(cause)
  return code === 'ENOTFOUND' || isCertificateProblem(code) ? error : mayRetry(error)
}

/** Look-ups under way: many connections to one host begin at the same time. */
const lookups = new Map<string, ReturnType<Lookup>>()

function lookupAll(hostname: string): ReturnType<Lookup> {
  const running = lookups.get(hostname)
  if (running !== undefined) return running
  const { promise, resolve, reject } = Promise.withResolvers<{ address: string; family: number }[]>()
  lookups.set(hostname, promise)
  systemLookup(hostname, { all: true }, (error, addresses) => {
    lookups.delete(hostname)
    if (error) reject(error)
    else resolve(addresses)
  })
  return promise
}

function fixedLookup(addresses: { address: string; family: number }[]): LookupFunction {
  return (_hostname, options, callback) => {
    if (options.all === true) callback(null, addresses)
    else callback(null, addresses[0]!.address, addresses[0]!.family)
  }
}

/** The socket once it said `event`; destroyed when it fails to in time. */
async function ready(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  options: { ms: number; signal: AbortSignal; late: () => Error; peer: Peer },
): Promise<Socket> {
  const { peer } = options
  try {
    await within(once(socket, event), options)
    return socket
  } catch (error) {
    // An error may still come after that, when nobody waits for the socket any more.
    socket.on('error', () => socket.destroy())
    socket.destroy()
    throw error instanceof ModsteadError ? error : connectFailure(peer, error)
  }
}
