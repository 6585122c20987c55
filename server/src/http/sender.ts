import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { BlockList, isIPv6 } from 'node:net'
import type { Socket } from 'node:net'
import { LRUCache } from 'lru-cache'
import type { Sender } from '../access/access.ts'
import { networkOf, withoutMapping } from '../access/network.ts'
import type { TrustedProxies } from '../config/config.ts'
import type { Place } from '../limits/limits.ts'
import { clientOf, type Forwarded } from './forwarded.ts'

/** A request, as far as it tells who sent it. */
export type FromSocket = Pick<IncomingMessage, 'headers' | 'socket'>

/** The address of whoever comes through a Unix socket. */
const UNIX = 'unix'

/** What a proxy may say something in. */
const RELEVANT = ['x-forwarded-for', 'forwarded', 'x-forwarded-host', 'x-forwarded-proto'] as const

/** What a proxy says of a request, and where its client is. */
type Proxied = Forwarded & { place: Place }

/** The connections of trusted proxies, and how what comes over them is read. */
const proxied = new WeakMap<object, (headers: IncomingHttpHeaders) => Proxied>()
/** Where all others are. */
const places = new WeakMap<object, Place>()
/** Clients behind proxies that are known again, over whichever connection they come. */
const MOST_PLACES = 20_000

/**
 * Makes the function that looks once at each new connection, whether it is that of a trusted proxy. `unix`: it came
 * through a Unix socket, which its address does not tell, because a connection that is gone has none either.
 */
export function createPeerTrust(
  trusted: TrustedProxies | undefined,
): (socket: Socket, unix: boolean) => void {
  if (trusted === undefined) return () => undefined
  const { networks, header, forwardedHost: overwritten } = trusted
  const list = new BlockList()
  for (const { address, prefix, family } of networks) list.addSubnet(address, prefix, family)
  const isTrusted = (address: string): boolean => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')

  const known = new LRUCache<string, Place>({ max: MOST_PLACES })
  function withPlace(client: Forwarded): Proxied {
    let place = known.get(client.address)
    if (place === undefined) known.set(client.address, (place = placeAt(client.address)))
    return { ...client, place }
  }

  return (socket, unix) => {
    const peer = addressOf(socket)
    if (unix ? !trusted.unix : peer === UNIX || !isTrusted(peer)) return
    let last: { headers: IncomingHttpHeaders; client: Proxied } | undefined
    proxied.set(socket, (headers) => {
      // Requests of one client often follow each other.
      if (last === undefined || RELEVANT.some((name) => last!.headers[name] !== headers[name]))
        last = { headers, client: withPlace(clientOf({ headers, peer, header, overwritten, isTrusted })) }
      return last.client
    })
  }
}

/** What a trusted proxy says of a request; `undefined` where it came from anybody else. */
export function forwardedOf({ headers, socket }: FromSocket): Forwarded | undefined {
  return proxied.get(socket)?.(headers)
}

/** The IP address of the client, or `unix`. */
export function clientAddress(request: FromSocket): string {
  return forwardedOf(request)?.address ?? addressOf(request.socket)
}

/**
 * Where the client is. It is the same object for all requests over a connection that is of one client, and for all of
 * one address behind trusted proxies.
 */
export function placeOf(request: FromSocket): Place {
  const read = proxied.get(request.socket)
  if (read !== undefined) return read(request.headers).place
  let place = places.get(request.socket)
  if (place === undefined) places.set(request.socket, (place = placeAt(addressOf(request.socket))))
  return place
}

function placeAt(address: string): Place {
  return { address, network: networkOf(address) }
}

/** What of a request tells who sent it. */
export function senderOf(request: FromSocket): Sender {
  return { headers: request.headers, address: clientAddress(request), connection: request.socket }
}

function addressOf({ remoteAddress }: Pick<Socket, 'remoteAddress'>): string {
  return remoteAddress === undefined ? UNIX : withoutMapping(remoteAddress)
}
