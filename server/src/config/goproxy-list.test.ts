import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nameOfProxy, parseProxyUrl, type ProxyUrl, splitProxyList } from './goproxy-list.ts'

/** `,` is written as the next entry after `,`, and `|` likewise: what cmd/go makes of each list. */
const lists: [list: string, entries: [string, 'absent' | 'any'][]][] = [
  [
    'https://a,direct',
    [
      ['https://a', 'absent'],
      ['direct', 'absent'],
    ],
  ],
  [
    'https://a|direct',
    [
      ['https://a', 'any'],
      ['direct', 'absent'],
    ],
  ],
  [
    'https://a|https://b,https://c',
    [
      ['https://a', 'any'],
      ['https://b', 'absent'],
      ['https://c', 'absent'],
    ],
  ],
  ['direct', [['direct', 'absent']]],
  ['off', [['off', 'absent']]],
  ['off,https://a', [['off', 'absent']]],
  [
    'https://a,direct,https://b',
    [
      ['https://a', 'absent'],
      ['direct', 'absent'],
    ],
  ],
  [
    'https://a|direct|https://b',
    [
      ['https://a', 'any'],
      ['direct', 'absent'],
    ],
  ],
  [
    ' https://a , https://b ',
    [
      ['https://a', 'absent'],
      ['https://b', 'absent'],
    ],
  ],
  [',,https://a,', [['https://a', 'absent']]],
  [
    'https://a|,https://b',
    [
      ['https://a', 'any'],
      ['https://b', 'absent'],
    ],
  ],
  ['https://a|', [['https://a', 'absent']]],
  ['', []],
  [' ', []],
  [',|,', []],
]

test('GOPROXY lists', () => {
  for (const [list, entries] of lists)
    assert.deepEqual(
      splitProxyList(list),
      entries.map(([text, then]) => ({ text, then })),
      JSON.stringify(list),
    )
})

const urls: [text: string, expected: ProxyUrl | RegExp][] = [
  ['https://proxy.golang.org', { url: 'https://proxy.golang.org' }],
  ['https://PROXY.golang.org/', { url: 'https://proxy.golang.org' }],
  ['https://go.corp.example/a/b//', { url: 'https://go.corp.example/a/b' }],
  ['http://127.0.0.1:8081/go/', { url: 'http://127.0.0.1:8081/go' }],
  ['proxy.golang.org', { url: 'https://proxy.golang.org' }],
  ['localhost:3000', { url: 'https://localhost:3000' }],
  ['goproxy.corp/x', { url: 'https://goproxy.corp/x' }],
  ['file:///srv/modules', { url: 'file:///srv/modules' }],
  ['file:///srv/modules/', { url: 'file:///srv/modules' }],
  [
    'https://ci:p%40ss@go.corp.example/x',
    { url: 'https://go.corp.example/x', credentials: { kind: 'basic', username: 'ci', password: 'p@ss' } },
  ],
  [
    'https://token@go.corp.example',
    { url: 'https://go.corp.example', credentials: { kind: 'basic', username: 'token', password: '' } },
  ],
  [
    'https://u:100%@a.example',
    { url: 'https://a.example', credentials: { kind: 'basic', username: 'u', password: '100%' } },
  ],
  ['word', /^a URL of https:, http: or file:/],
  ['/srv/modules', /^a URL of https:/],
  ['ssh://host/x', /^a URL of https:/],
  ['https://', /^a URL of https:/],
  ['https://a?x=1', /without "\?" and "#"/],
  ['https://a#x', /without "\?" and "#"/],
  ['file://host/srv', /^a file URL with an absolute path/],
]

test('URLs of proxies', () => {
  for (const [text, expected] of urls) {
    const parsed = parseProxyUrl(text)
    if (expected instanceof RegExp) assert.match(typeof parsed === 'string' ? parsed : '', expected, text)
    else assert.deepEqual(parsed, expected, text)
  }
})

test('origins without a name are called after their URL', () => {
  assert.equal(nameOfProxy('https://proxy.golang.org'), 'proxy.golang.org')
  assert.equal(nameOfProxy('http://127.0.0.1:8081/go'), '127.0.0.1:8081/go')
  assert.equal(nameOfProxy('file:///srv/modules'), 'file:///srv/modules')
})
