import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLoopbackAddress, isPublicAddress } from './public-address.ts'
import { reachFor } from './redirects.ts'

const ADDRESSES: readonly [address: string, kind: 'public' | 'loopback' | 'other'][] = [
  ['8.8.8.8', 'public'],
  ['9.255.255.255', 'public'],
  ['11.0.0.0', 'public'],
  ['100.63.255.255', 'public'],
  ['100.128.0.0', 'public'],
  ['172.15.255.255', 'public'],
  ['172.32.0.0', 'public'],
  ['192.167.255.255', 'public'],
  ['198.17.255.255', 'public'],
  ['198.20.0.0', 'public'],
  ['223.255.255.255', 'public'],
  ['2607:f8b0:4005:80b::2011', 'public'],
  ['2a00:1450::1', 'public'],
  ['::ffff:8.8.8.8', 'public'],
  ['64:ff9b::8.8.8.8', 'public'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.255', 'loopback'],
  ['::1', 'loopback'],
  ['0:0:0:0:0:0:0:1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:7f00:1', 'loopback'],
  ['0.0.0.0', 'other'],
  ['0.1.2.3', 'other'],
  ['10.0.0.1', 'other'],
  ['10.255.255.255', 'other'],
  ['100.64.0.1', 'other'],
  ['169.254.169.254', 'other'],
  ['172.16.0.1', 'other'],
  ['172.31.255.255', 'other'],
  ['192.0.0.1', 'other'],
  ['192.0.2.1', 'other'],
  ['192.168.1.1', 'other'],
  ['198.18.0.1', 'other'],
  ['198.51.100.1', 'other'],
  ['203.0.113.1', 'other'],
  ['224.0.0.1', 'other'],
  ['240.0.0.1', 'other'],
  ['255.255.255.255', 'other'],
  ['::', 'other'],
  ['::7f00:1', 'other'],
  ['::ffff:10.0.0.1', 'other'],
  ['::ffff:a9fe:a9fe', 'other'],
  ['64:ff9b::10.0.0.1', 'other'],
  ['64:ff9b::7f00:1', 'other'],
  ['64:ff9b:1::1', 'other'],
  ['100::1', 'other'],
  ['2001::1', 'other'],
  ['2001:db8::1', 'other'],
  ['2002:7f00:1::', 'other'],
  ['3fff::1', 'other'],
  ['fc00::1', 'other'],
  ['fd12:3456::1', 'other'],
  ['fe80::1', 'other'],
  ['fec0::1', 'other'],
  ['ff02::1', 'other'],
  ['', 'other'],
  ['localhost', 'other'],
  ['2130706433', 'other'],
  ['127.1', 'other'],
]

for (const [address, kind] of ADDRESSES) {
  test(`${address || 'nothing'} is ${kind}`, () => {
    assert.equal(isPublicAddress(address), kind === 'public')
    assert.equal(isLoopbackAddress(address), kind === 'loopback')
  })
}

test('where a redirect may lead', () => {
  const configuredHosts = new Set(['proxy.corp', 'ported.corp:8443'])
  const table: [url: string, fromLoopback: boolean, address: string, allowed: boolean][] = [
    ['https://proxy.corp/x', false, '10.0.0.1', true],
    ['https://proxy.corp:8443/x', false, '10.0.0.1', false],
    ['https://ported.corp:8443/x', false, '127.0.0.1', true],
    ['https://ported.corp/x', false, '127.0.0.1', false],
    ['https://cdn.example.com/x', false, '8.8.8.8', true],
    ['https://cdn.example.com/x', false, '127.0.0.1', false],
    ['https://cdn.example.com/x', true, '127.0.0.1', true],
    ['https://cdn.example.com/x', true, '::1', true],
    ['https://cdn.example.com/x', true, '10.0.0.1', false],
  ]
  for (const [url, fromLoopback, address, allowed] of table) {
    const mayReach = reachFor(new URL(url), { configuredHosts, fromLoopback })
    assert.equal(mayReach(address), allowed, `${url} at ${address}`)
  }
})
