import type { IncomingHttpHeaders } from 'node:http'
import { canonicalAddress } from '../access/network.ts'
import type { TrustedProxies } from '../config/config.ts'

/** For whom a trusted proxy asks. */
export interface Forwarded {
  /** IP address, in its canonical spelling. */
  address: string
  /** What the client asked for, as it was sent: nobody has looked at it. */
  host?: string
  proto?: string
}

export interface ForwardedOptions {
  headers: IncomingHttpHeaders
  /** Address of the trusted proxy that sent them. */
  peer: string
  header: TrustedProxies['header']
  /** Whether X-Forwarded-Host and X-Forwarded-Proto count: where proxies overwrite what clients send in them. */
  overwritten: boolean
  isTrusted: (address: string) => boolean
}

/** Proxies that are followed; what stands further to the left was written by nobody who is trusted. */
const LONGEST = 32

/**
 * The client as trusted proxies tell it. Each proxy appends whom it got the request from, so that the list is read from
 * its right end: the first address that is no trusted proxy is the client, and what the client itself wrote to the left of
 * that is never read. Something that is no address counts as the proxy that wrote it.
 *
 * Name and scheme are those of the same element of Forwarded. X-Forwarded-Host and X-Forwarded-Proto have no such place:
 * many proxies pass on what the client sent in them.
 */
export function clientOf({ headers, peer, header, overwritten, isTrusted }: ForwardedOptions): Forwarded {
  const told = header === 'forwarded' ? headers.forwarded : headers['x-forwarded-for']
  let address = peer
  let depth = 0
  let pairs: ReadonlyMap<string, string> = NOTHING
  for (const element of fromTheRight(String(told ?? ''))) {
    if (depth === LONGEST) break
    const said: ReadonlyMap<string, string> =
      header === 'forwarded' ? (pairsOf(element) ?? NOTHING) : new Map([['for', element.trim()]])
    const claimed = addressIn(said.get('for') ?? '')
    if (claimed === undefined) break
    address = claimed
    pairs = said
    depth++
    if (!isTrusted(claimed)) break
  }
  const [host, proto] =
    header === 'forwarded'
      ? [pairs.get('host'), pairs.get('proto')]
      : overwritten
        ? [
            nthFromTheRight(headers['x-forwarded-host'], depth),
            nthFromTheRight(headers['x-forwarded-proto'], depth),
          ]
        : []
  return { address, ...(host !== undefined && { host }), ...(proto !== undefined && { proto }) }
}

const NOTHING: ReadonlyMap<string, string> = new Map()

/**
 * The elements of a list, its last first. A comma within quotes separates nothing; quotes are matched from the right, so
 * that one which a client left open to the left of what proxies appended cannot swallow it.
 */
function* fromTheRight(list: string): Generator<string> {
  let end = list.length
  let quoted = false
  for (let at = end - 1; at >= 0; at--) {
    if (list[at] === '"') quoted = !quoted
    if (list[at] !== ',' || quoted) continue
    yield list.slice(at + 1, end)
    end = at
  }
  if (list !== '') yield list.slice(0, end)
}

/** What proxies say of the same step as the address that was taken; of fewer than that, the outermost. */
function nthFromTheRight(list: string | string[] | undefined, depth: number): string | undefined {
  if (list === undefined) return undefined
  const values = String(list).split(',')
  return values[Math.max(0, values.length - Math.max(1, depth))]!.trim()
}

/** One element of a Forwarded header (RFC 7239, section 4), its names in lower case; `undefined` for broken ones. */
function pairsOf(element: string): Map<string, string> | undefined {
  const pairs = new Map<string, string>()
  for (const pair of element.split(';')) {
    const [, name, token, quoted] =
      /^\s*([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~-]+)|"([^"\\]*)")\s*$/.exec(pair) ?? []
    if (name === undefined || pairs.has(name.toLowerCase())) return undefined
    pairs.set(name.toLowerCase(), token ?? quoted ?? '')
  }
  return pairs
}

/** The address of `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`. */
function addressIn(text: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]{2,45})\]|([0-9.]{7,15}))(?::\d{1,5})?$/i.exec(text) ?? []
  if (plain !== undefined) return canonicalAddress(plain)
  if (bracketed !== undefined) return bracketed.includes(':') ? canonicalAddress(bracketed) : undefined
  return text.length <= 45 && text.includes(':') ? canonicalAddress(text) : undefined
}
