import assert from 'node:assert/strict'
import test from 'node:test'
import { parseAlternativeNames } from './alternative-names.ts'
import { isSpiffe, trustDomainOf } from './spiffe.ts'

test('alternative names as node writes them', () => {
  const rows: [text: string | undefined, names: [string, string][] | undefined][] = [
    [undefined, []],
    ['DNS:a.example', [['DNS', 'a.example']]],
    [
      'DNS:a.example, URI:spiffe://b/c, IP Address:127.0.0.1, email:a@b',
      [
        ['DNS', 'a.example'],
        ['URI', 'spiffe://b/c'],
        ['IP Address', '127.0.0.1'],
        ['email', 'a@b'],
      ],
    ],
    [
      String.raw`DNS:"good.example, DNS:evil.example", DNS:"a\u0000b", DNS:"q\"uote"`,
      [
        ['DNS', 'good.example, DNS:evil.example'],
        ['DNS', 'a\0b'],
        ['DNS', 'q"uote'],
      ],
    ],
    [
      'othername:<unsupported>, DNS:a',
      [
        ['othername', '<unsupported>'],
        ['DNS', 'a'],
      ],
    ],
    ['DNS:', [['DNS', '']]],
    // Nothing of these is guessed at.
    ['DNS:a,b', undefined],
    ['DNS:a, ', undefined],
    ['DNS:"a', undefined],
    ['DNS:"a"b', undefined],
    ['DNS:a"b"', undefined],
    [String.raw`DNS:"\x"`, undefined],
    ['a.example', undefined],
    ['DNS:a\nDNS:b', [['DNS', 'a\nDNS:b']]],
  ]
  for (const [text, names] of rows)
    assert.deepEqual(
      parseAlternativeNames(text)?.map(({ type, value }) => [type, value]),
      names,
      text,
    )
})

test('SPIFFE ids of workloads', () => {
  for (const id of [
    'spiffe://corp.example/a',
    'spiffe://corp.example/ns/ci/sa/build-1',
    'spiffe://a_b/A.B/c_d',
    'spiffe://corp.example/...',
  ])
    assert.notEqual(trustDomainOf(id), undefined, id)
  for (const id of [
    'spiffe://corp.example',
    'spiffe://corp.example/',
    'spiffe://corp.example/a/',
    'spiffe://corp.example//a',
    'spiffe://corp.example/a/../b',
    'spiffe://corp.example/.',
    'spiffe://Corp.example/a',
    'SPIFFE://corp.example/a',
    'spiffe://corp.example:443/a',
    'spiffe://user@corp.example/a',
    'spiffe://corp.example/a?b',
    'spiffe://corp.example/a#b',
    'spiffe://corp.example/a%2Fb',
    'spiffe://corp.example/a\n',
    'spiffe:///a',
    'https://corp.example/a',
    ` spiffe://corp.example/a`,
    `spiffe://corp.example/${'a'.repeat(2048)}`,
    `spiffe://${'a'.repeat(256)}/a`,
  ])
    assert.equal(trustDomainOf(id), undefined, id)
  assert.equal(trustDomainOf('spiffe://corp.example/a'), 'corp.example')
  assert.ok(isSpiffe('SPIFFE:whatever') && !isSpiffe('https://spiffe:'))
})
