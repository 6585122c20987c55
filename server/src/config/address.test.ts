import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatListenAddress, goproxyUrl, parseListenAddress } from './address.ts'
import type { ListenAddress } from './config.ts'

const addresses: [string, ListenAddress | undefined][] = [
  ['127.0.0.1:6637', { host: '127.0.0.1', port: 6637 }],
  ['localhost:0', { host: 'localhost', port: 0 }],
  ['[::1]:6637', { host: '::1', port: 6637 }],
  [':6637', { host: '', port: 6637 }],
  ['6637', { host: '127.0.0.1', port: 6637 }],
  ['unix:/run/modstead.sock', { socket: '/run/modstead.sock' }],
  ['unix:///run/modstead.sock', { socket: '/run/modstead.sock' }],
  ['unix:modstead.sock', { socket: 'modstead.sock' }],
  ['127.0.0.1:65536', undefined],
  ['127.0.0.1', undefined],
  ['::1:6637', undefined],
  ['http://127.0.0.1:6637', undefined],
  ['unix:', undefined],
  ['', undefined],
]

test('listen addresses', () => {
  for (const [text, expected] of addresses) {
    const address = parseListenAddress(text)
    assert.deepEqual(address, expected, text)
    if (address) assert.deepEqual(parseListenAddress(formatListenAddress(address)), address)
  }
})

test('the URL clients set as GOPROXY', () => {
  const plain = { pathPrefix: '' }
  const tls = { cert: 'c', key: 'k', minVersion: 'TLSv1.2' } as const
  const rows: [Parameters<typeof goproxyUrl>[0], ListenAddress[], string | undefined][] = [
    [plain, [{ host: '127.0.0.1', port: 6637 }], 'http://127.0.0.1:6637'],
    [{ ...plain, tls }, [{ host: '::1', port: 443 }], 'https://[::1]:443'],
    [{ pathPrefix: '/go' }, [{ host: '', port: 80 }], 'http://localhost:80/go'],
    [plain, [{ socket: '/x' }, { host: 'a.example', port: 1 }], 'http://a.example:1'],
    [plain, [{ socket: '/x' }], undefined],
    [{ publicUrl: 'https://go.corp.example', pathPrefix: '/p' }, [], 'https://go.corp.example/p'],
  ]
  for (const [config, bound, expected] of rows) assert.equal(goproxyUrl(config, bound), expected)
})
