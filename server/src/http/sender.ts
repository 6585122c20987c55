import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { BlockList, isIPv6 } from 'node:net'
import type { Socket } from 'node:net'
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

const places = new WeakMap<object, Place>()

/** The connections of trusted proxies, and how what comes over them is read. */
const proxied = new WeakMap<object, (headers: IncomingHttpHeaders) => Forwarded>()

/**
 * Makes the function that looks once at each new connection, whether it is that of a trusted proxy. `unix`: it came
 * through a Unix socket, which its address does not tell, because a connection that is gone has none either.
 */
export function createPeerTrust(
  trusted: TrustedProxies | undefined,
): (socket: Socket, unix: boolean) => void {
  if (trusted === undefined) return () => undefined
  const { networks, header } = trusted
  const list = new BlockList()
  for (const { address, prefix, family } of networks) list.addSubnet(address, prefix, family)
  const isTrusted = (address: string): boolean => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')

  return (socket, unix) => {
    const peer = addressOf(socket)
    if (unix ? !trusted.unix : peer === UNIX || !isTrusted(peer)) return
    let last: { headers: IncomingHttpHeaders; client: Forwarded } | undefined
    proxied.set(socket, (headers) => {
      // Requests of one client often follow each other.
      if (last === undefined || RELEVANT.some((name) => last!.headers[name] !== headers[name]))
        last = { headers, client: clientOf({ headers, peer, header, isTrusted }) }
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

/** Where the client is, for limits: found out once for a connection that is of one client. */
export function placeOf(request: FromSocket): Place {
  const key = forwardedOf(request) ?? request.socket
  let place = places.get(key)
  if (place === undefined) {
    const address = clientAddress(request)
    places.set(key, (place = { address, network: networkOf(address) }))
  }
  return place
}

/** What of a request tells who sent it. */
export function senderOf(request: FromSocket): Sender {
  return { headers: request.headers, address: clientAddress(request), connection: request.socket }
}

function addressOf({ remoteAddress }: Pick<Socket, 'remoteAddress'>): string {
  return remoteAddress === undefined ? UNIX : withoutMapping(remoteAddress)
}
