import assert from 'node:assert/strict'
import { BlockList, isIPv6 } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { clientOf } from './forwarded.ts'

const PEER = '10.0.0.1'
const trusted = new BlockList()
trusted.addSubnet('10.0.0.0', 8, 'ipv4')
trusted.addSubnet('fd00::', 8, 'ipv6')
const isTrusted = (address: string) => trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')

function client(value: string | undefined, header: 'x-forwarded-for' | 'forwarded' = 'x-forwarded-for') {
  return clientOf({ headers: { [header]: value }, peer: PEER, header, overwritten: false, isTrusted })
}

const CHAINS: [header: string | undefined, address: string][] = [
  [undefined, PEER],
  ['', PEER],
  ['192.0.2.1', '192.0.2.1'],
  // What a client wrote itself stands to the left of what the proxy saw.
  ['203.0.113.9, 192.0.2.1', '192.0.2.1'],
  ['127.0.0.1, 10.0.0.7, 192.0.2.1', '192.0.2.1'],
  // Proxies behind proxies.
  ['203.0.113.9, 192.0.2.1, 10.0.0.9,10.0.0.8', '192.0.2.1'],
  ['192.0.2.1, fd00::5', '192.0.2.1'],
  // Within the network of the proxies, the outermost is the client.
  ['10.0.0.9, 10.0.0.8', '10.0.0.9'],
  // Ports, brackets and spellings.
  ['192.0.2.1:4711', '192.0.2.1'],
  ['2001:DB8::0:1', '2001:db8::1'],
  ['[2001:db8::1]:4711', '2001:db8::1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['192.0.2.1, ::ffff:10.0.0.3', '192.0.2.1'],
  // What is no address counts as the proxy that wrote it, and nothing to its left counts.
  ['unknown', PEER],
  ['192.0.2.1, unknown', PEER],
  ['192.0.2.1, nonsense, 10.0.0.8', '10.0.0.8'],
  ['192.0.2.1,', PEER],
  ['999.0.2.1', PEER],
  ['fe80::1%eth0', PEER],
  ['[192.0.2.1]', PEER],
  ['192.0.2.1:99999999', PEER],
  ['"192.0.2.1"', PEER],
]

test('the client is the right-most address that is no trusted proxy', () => {
  for (const [header, address] of CHAINS) assert.equal(client(header).address, address, header)
})

const ELEMENTS: [header: string, expected: object][] = [
  ['for=192.0.2.1', { address: '192.0.2.1' }],
  [
    'For="[2001:db8::1]:4711";Proto=https;host="go.example:8443"',
    { address: '2001:db8::1', proto: 'https', host: 'go.example:8443' },
  ],
  [
    'for=203.0.113.9;host=evil.example, for=192.0.2.1;proto=https;host=go.example, for=10.0.0.8;host=inner',
    { address: '192.0.2.1', proto: 'https', host: 'go.example' },
  ],
  ['for=unknown', { address: PEER }],
  ['for=_hidden', { address: PEER }],
  ['by=10.0.0.1', { address: PEER }],
  ['for=192.0.2.1;for=192.0.2.2', { address: PEER }],
  ['for=192.0.2.1;', { address: PEER }],
  ['for = 192.0.2.1', { address: PEER }],
  ['for="192.0.2.1\\""', { address: PEER }],
  // An open quote of the client swallows nothing of what the proxy appended; commas within quotes separate nothing.
  ['for="203.0.113.9, for=192.0.2.1', { address: '192.0.2.1' }],
  ['for="a, for=203.0.113.9", for=192.0.2.1', { address: '192.0.2.1' }],
  ['for=192.0.2.1, for="x,y"', { address: PEER }],
]

test('Forwarded, as RFC 7239 has it', () => {
  for (const [header, expected] of ELEMENTS) assert.deepEqual(client(header, 'forwarded'), expected, header)
})

test('name and scheme are those of the step that the address is of', () => {
  const said = (more: Record<string, string>, overwritten = true) =>
    clientOf({ headers: more, peer: PEER, header: 'x-forwarded-for', overwritten, isTrusted })
  assert.deepEqual(said({ 'x-forwarded-proto': 'https', 'x-forwarded-host': 'go.example' }), {
    address: PEER,
    proto: 'https',
    host: 'go.example',
  })
  assert.deepEqual(
    said({
      'x-forwarded-for': '192.0.2.1, 10.0.0.8',
      'x-forwarded-proto': 'https, http',
      'x-forwarded-host': 'go.example',
    }),
    { address: '192.0.2.1', proto: 'https', host: 'go.example' },
  )
  assert.equal(said({ 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'http, https' }).proto, 'https')
  // A proxy that only appends to X-Forwarded-For passes on what the client wrote in the others.
  const written = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' }
  assert.deepEqual(said({ 'x-forwarded-for': '192.0.2.1', ...written }, false), { address: '192.0.2.1' })
  const forwarded = { ...written, forwarded: 'for=203.0.113.9;host=evil.example;proto=http, for=192.0.2.1' }
  for (const overwritten of [false, true])
    assert.deepEqual(
      clientOf({ headers: forwarded, peer: PEER, header: 'forwarded', overwritten, isTrusted }),
      { address: '192.0.2.1' },
    )
})

test('a long chain is followed for 32 steps only', () => {
  const inner = Array.from({ length: 40 }, (_, i) => `10.1.1.${40 - i}`)
  assert.equal(client(['192.0.2.1', ...inner.slice(0, 31)].join(',')).address, '192.0.2.1')
  assert.equal(client(['192.0.2.1', ...inner].join(',')).address, '10.1.1.32')
})

test('whatever a client writes, what the proxy appended decides', () => {
  fc.assert(
    fc.property(fc.string(), (written) => {
      assert.equal(client(`${written}, 192.0.2.1`).address, '192.0.2.1')
      assert.equal(client(`${written}, for=192.0.2.1`, 'forwarded').address, '192.0.2.1')
    }),
  )
})
