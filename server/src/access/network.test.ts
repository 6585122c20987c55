import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalAddress, neighbourhoodOf, networkOf } from './network.ts'

const ADDRESSES: [text: string, canonical: string | undefined, network?: string][] = [
  ['192.0.2.1', '192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1', '192.0.2.1'],
  ['::FFFF:c000:0201', '192.0.2.1', '192.0.2.1'],
  ['2001:DB8:0:0:1::7', '2001:db8::1:0:0:7', '2001:db8:0:0::/64'],
  ['2001:db8::', '2001:db8::', '2001:db8:0:0::/64'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['::1', '::1', '0:0:0:0::/64'],
  ['::', '::', '0:0:0:0::/64'],
  ['fe80::1%eth0', undefined],
  ['010.0.0.1', undefined],
  ['10.1', undefined],
  ['[::1]', undefined],
  ['unix', undefined, 'unix'],
  ['', undefined],
]

test('addresses have one spelling, and those of one network of IPv6 are one client', () => {
  for (const [text, canonical, network] of ADDRESSES) {
    assert.equal(canonicalAddress(text), canonical, text)
    if (network !== undefined) assert.equal(networkOf(text), network, text)
  }
})

test('a neighbourhood is what one site may have', () => {
  for (const [address, neighbourhood] of [
    ['192.0.2.1', '192.0.2.0/24'],
    ['::ffff:192.0.2.1', '192.0.2.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
    ['unix', 'unix'],
  ] as const)
    assert.equal(neighbourhoodOf(address), neighbourhood)
})
