/**
 * Which addresses belong to the public internet: the question behind every connection that a stranger's word makes us
 * open. The ranges are those of the IANA special-purpose address registries (RFC 6890 and its updates).
 */
import { BlockList, isIP } from 'node:net'

/** Ranges of IPv4 that are not globally reachable, or that lead to more than one host. */
const SPECIAL_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]

/** Prefixes of IPv6 whose last 32 bits are an IPv4 address: mapped addresses, and those that DNS64 makes. */
const EMBEDS_V4 = ['::ffff:', '64:ff9b::']

/** Ranges within 2000::/3, the only part of IPv6 in public use, that are not public: tunnels and documentation. */
const SPECIAL_V6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

const special = new BlockList()
const publicV6 = new BlockList()
const loopback = new BlockList()

for (const [range, bits] of SPECIAL_V4) {
  special.addSubnet(range, bits)
  for (const prefix of EMBEDS_V4) special.addSubnet(`${prefix}${range}`, 96 + bits, 'ipv6')
}
for (const [range, bits] of SPECIAL_V6) special.addSubnet(range, bits, 'ipv6')
publicV6.addSubnet('2000::', 3, 'ipv6')
for (const prefix of EMBEDS_V4) publicV6.addSubnet(`${prefix}0.0.0.0`, 96, 'ipv6')
loopback.addSubnet('127.0.0.0', 8)
loopback.addSubnet('::ffff:127.0.0.0', 104, 'ipv6')
loopback.addAddress('::1', 'ipv6')

/** Whether `address` (IPv4 or IPv6, without brackets or zone) belongs to one host on the public internet. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 4) return !special.check(address)
  return isIP(address) === 6 && publicV6.check(address, 'ipv6') && !special.check(address, 'ipv6')
}

/** Whether `address` is this machine's own. */
export function isLoopbackAddress(address: string): boolean {
  const family = isIP(address)
  return family !== 0 && loopback.check(address, family === 4 ? 'ipv4' : 'ipv6')
}
