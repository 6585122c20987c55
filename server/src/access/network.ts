import { isIP, SocketAddress } from 'node:net'

/**
 * An IP address in its one canonical spelling (RFC 5952), one of IPv4 that is mapped into IPv6 as what it is; `undefined`
 * for anything else, those with a zone included, which mean something on one machine only.
 */
export function canonicalAddress(text: string): string | undefined {
  const version = isIP(text)
  if (version === 4) return text
  if (version === 0 || text.includes('%')) return undefined
  return withoutMapping(new SocketAddress({ address: text, family: 'ipv6' }).address)
}

/** `192.0.2.1` for `::ffff:192.0.2.1`, as a socket of both families tells it; anything else as it is. */
export function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

/**
 * What limits count a client by: its address, and of IPv6 the first 64 bits, for whoever has one address has the 2^64
 * beside it. What is no IP address stays as it is.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const canonical = canonicalAddress(address)
  if (canonical === undefined || !canonical.includes(':')) return canonical ?? address
  const [head = '', tail] = canonical.split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - front.length - back.length }, () => '0')
  return `${[...front, ...zeros, ...back].slice(0, 4).join(':')}::/64`
}

/**
 * What one client may have many addresses in: of IPv4 the first 24 bits, of IPv6 the first 48, which is what sites are
 * given. What is no IP address stays as it is.
 */
export function neighbourhoodOf(address: string): string {
  const network = networkOf(address)
  if (network.endsWith('::/64')) return `${network.split(':').slice(0, 3).join(':')}::/48`
  return isIP(network) === 4 ? `${network.split('.').slice(0, 3).join('.')}.0/24` : network
}
