import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createViaId, isLoop, isOurselves, viaHeader, withoutOurselves, type OurAddresses } from './loop.ts'
import { createTestObserver, testConfig } from './test-origin.ts'

test('the header of a request that passed here names us', () => {
  const id = createViaId()
  assert.match(id, /^[0-9a-f]{16}$/)
  assert.notEqual(id, createViaId())
  assert.equal(isLoop(undefined, id), false)
  assert.equal(isLoop('', id), false)
  assert.equal(isLoop(viaHeader(undefined, 'other'), id), false)
  assert.equal(isLoop(viaHeader(undefined, id), id), true)
  assert.equal(isLoop(viaHeader(viaHeader('a', id), 'b'), id), true)
  assert.equal(isLoop(`x${id}`, id), false)
  assert.equal(isLoop(Array.from({ length: 8 }, (_, i) => `hop${i}`).join(', '), id), false)
  assert.equal(isLoop(Array.from({ length: 9 }, (_, i) => `hop${i}`).join(', '), id), true)
})

const LOCAL: OurAddresses = { listen: [{ host: '127.0.0.1', port: 6637 }], pathPrefix: '' }
const EVERYWHERE: OurAddresses = {
  listen: [
    { host: '0.0.0.0', port: 80 },
    { host: '::', port: 443 },
  ],
  pathPrefix: '',
}
const NAMED: OurAddresses = {
  listen: [{ host: 'Go.Corp', port: 443 }, { socket: '/run/modstead.sock' }],
  pathPrefix: '',
}
const BEHIND: OurAddresses = {
  listen: [{ socket: '/run/x' }],
  publicUrl: 'https://corp.example/tools',
  pathPrefix: '/go',
}
const WHOLE: OurAddresses = { listen: [], publicUrl: 'https://go.corp.example', pathPrefix: '' }
const DOUBLE: OurAddresses = { listen: [], publicUrl: 'https://corp.example/go', pathPrefix: '/go' }

const URLS: readonly [ours: OurAddresses, url: string, ourselves: boolean][] = [
  [LOCAL, 'http://127.0.0.1:6637', true],
  [LOCAL, 'http://localhost:6637/', true],
  [LOCAL, 'http://LOCALHOST.:6637/any/path', true],
  [LOCAL, 'http://modstead.localhost:6637', true],
  [LOCAL, 'http://[::1]:6637', true],
  [LOCAL, 'http://0.0.0.0:6637', true],
  [LOCAL, 'http://127.0.0.2:6637', true],
  [LOCAL, 'https://user:pw@localhost:6637', true],
  [LOCAL, 'http://[::ffff:127.0.0.1]:6637', true],
  [LOCAL, 'http://localhost:6638', false],
  [LOCAL, 'http://localhost', false],
  [LOCAL, 'http://10.0.0.5:6637', false],
  [LOCAL, 'https://proxy.golang.org', false],
  [LOCAL, 'file:///srv/modules', false],
  [LOCAL, 'not a url', false],
  [EVERYWHERE, 'http://localhost', true],
  [EVERYWHERE, 'http://10.0.0.5', true],
  [EVERYWHERE, 'https://10.0.0.5/x', true],
  [EVERYWHERE, 'https://[fd00::5]/x', true],
  [EVERYWHERE, 'http://10.0.0.6', false],
  [EVERYWHERE, 'http://proxy.golang.org', false],
  [NAMED, 'https://go.corp', true],
  [NAMED, 'https://GO.corp:443/x', true],
  [NAMED, 'http://go.corp', false],
  [NAMED, 'https://localhost', false],
  [BEHIND, 'https://corp.example/tools/go', true],
  [BEHIND, 'https://corp.example/tools/go/', true],
  [BEHIND, 'https://corp.example/tools/go/tenant', true],
  [BEHIND, 'https://corp.example/tools/gophers', false],
  [BEHIND, 'https://corp.example/tools', false],
  [BEHIND, 'https://corp.example/artifactory/api/go', false],
  [BEHIND, 'https://corp.example:8443/tools/go', false],
  [WHOLE, 'https://go.corp.example', true],
  [WHOLE, 'https://go.corp.example/any', true],
  [WHOLE, 'https://other.corp.example', false],
  [DOUBLE, 'https://corp.example/go', true],
  [DOUBLE, 'https://corp.example/other', false],
]

test('which URLs lead to this server', () => {
  for (const [ours, url, ourselves] of URLS) {
    assert.equal(
      isOurselves(url, ours, ['10.0.0.5', 'fd00::5']),
      ourselves,
      `${url} for ${JSON.stringify(ours)}`,
    )
  }
})

test('origins that are ourselves are dropped with a warning', () => {
  const observer = createTestObserver()
  const origins = new Map(
    [
      ['public', 'https://proxy.golang.org'],
      ['self', 'http://localhost:6637'],
      ['files', 'file:///srv'],
    ].map(([name, url]) => [name!, testConfig(url!, { name: name! })]),
  )
  const others = withoutOurselves(origins, LOCAL, observer.log)
  assert.deepEqual([...others.keys()], ['public', 'files'])
  assert.deepEqual(observer.warnings, ['origin self is this modstead itself and is not asked'])
})
