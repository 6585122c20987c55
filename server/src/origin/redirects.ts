/** Redirects as net/http of Go follows them for GET requests, and where they may lead. */
import { failure, type Peer } from './failures.ts'
import { isLoopbackAddress, isPublicAddress } from './public-address.ts'

/** Redirects followed in a row at most, as Go's client does. */
const MOST_REDIRECTS = 10

export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

/**
 * Where the answer of `from` leads. `followed` counts the redirects before it. Throws `upstream_invalid` for a missing
 * or bad Location, for the eleventh redirect, and for one from https to http.
 */
export function redirectTarget(
  from: URL,
  location: string | undefined,
  context: { followed: number; peer: Peer },
): URL {
  const { followed, peer } = context
  if (followed >= MOST_REDIRECTS)
    throw failure('upstream_invalid', peer, `redirected more than ${MOST_REDIRECTS} times`)
  if (location === undefined) throw failure('upstream_invalid', peer, 'redirected without saying where to')
  const target = URL.parse(location, from.href)
  if (target === null || (target.protocol !== 'https:' && target.protocol !== 'http:'))
    throw failure('upstream_invalid', peer, 'redirected to something that is not an http or https URL')
  if (from.protocol === 'https:' && target.protocol === 'http:')
    throw failure('upstream_invalid', peer, 'redirected from https to plain http, which is not followed')
  target.hash = ''
  target.username = ''
  target.password = ''
  return target
}

/**
 * Which addresses may be connected to for `url`. Hosts that the configuration names may have any address; on a
 * redirect's word alone only public ones are reached, so that a stranger cannot send us to our own network. An origin
 * on this machine may lead to others on it.
 */
export function reachFor(
  url: URL,
  context: { configuredHosts: ReadonlySet<string>; fromLoopback: boolean },
): (address: string) => boolean {
  const { configuredHosts, fromLoopback } = context
  if (configuredHosts.has(url.host)) return () => true
  return (address) => isPublicAddress(address) || (fromLoopback && isLoopbackAddress(address))
}
