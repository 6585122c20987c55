import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKey } from '@modstead/gomod/note'
import { load } from '../config/load.fixture.ts'
import { formatBanner, startFacts } from './banner.ts'

const KEY = 'localhost.localdev/sumdb+00000c67+AcTrnkbUA+TU4heY3hkjiSES/DSQniBqIeQ/YppAUtK6'

async function banner(given: Parameters<typeof load>[0], addresses: string[]): Promise<string> {
  const { config, sources } = await load(given)
  return formatBanner(startFacts({ config, sources, addresses, version: '1.2.3' }), { colour: false })
}

test('with nothing configured', async () => {
  assert.equal(
    await banner({}, ['http://127.0.0.1:6637']),
    `
modstead 1.2.3 listens on http://127.0.0.1:6637

  origins    https://proxy.golang.org,direct
  checksums  sum.golang.org
  data       /site/modstead-data
  settings   defaults

Let go use it:

  go env -w GOPROXY=http://127.0.0.1:6637

`,
  )
})

test('with everything configured', async () => {
  const yaml = `
publicUrl: https://go.corp.example
pathPrefix: /proxy
origins:
  public: { url: "https://user:hunter2@proxy.example" }
  corp: { url: "http://athens.corp.example" }
routes:
  - { modules: [corp.example, "*.corp.example"], from: [corp], private: true }
  - { modules: old.example, checksum: off }
sumdb: [ "${KEY}", sum.golang.org ]
`
  assert.equal(
    await banner({ yaml }, ['http://0.0.0.0:80', 'unix:/run/m.sock']),
    `
modstead 1.2.3 listens on http://0.0.0.0:80 and unix:/run/m.sock

  origins    corp.example, *.corp.example (private): http://athens.corp.example
             old.example: https://proxy.example|direct
             https://proxy.example|direct
  checksums  localhost.localdev/sumdb, sum.golang.org
  data       /site/modstead-data
  settings   modstead.yaml (found in this folder)

Let go use it:

  go env -w GOPROXY=https://go.corp.example/proxy
  go env -w GOSUMDB=${KEY}
  go env -w "GONOSUMDB=corp.example,*.corp.example,old.example"

`,
  )
})

test('with a checksum log of our own, private modules are proven and scratch ones are left out', async () => {
  const { skey, vkey } = generateKey('go.corp.example', new Uint8Array(32))
  const yaml = (routes: string) => `
checksumLog: { key: "${skey}" }
routes: [{ modules: corp.example, private: true }${routes}]
`
  const plain = await banner({ yaml: yaml('') }, ['http://127.0.0.1:6637'])
  assert.match(plain, /checksums {2}go\.corp\.example \(our own\), sum\.golang\.org\n/)
  assert.ok(
    plain.endsWith(`
  go env -w GOPROXY=http://127.0.0.1:6637
  go env -w GOSUMDB=${vkey}
  go env -w GONOSUMDB=

GOPRIVATE must not be set (go env GOPRIVATE): go fetches what it matches past this server, and unproven.

`),
    plain,
  )
  const some = await banner({ yaml: yaml(', { modules: scratch.example, log: false }') }, [
    'http://[::1]:6637',
  ])
  assert.match(some, /GONOSUMDB=scratch\.example\n/)
})

test('a socket alone has no address for clients', async () => {
  const text = await banner({ env: { GOSUMDB: 'off' } }, ['unix:/run/m.sock'])
  assert.match(text, /checksums {2}off: modules are not proven/)
  assert.match(text, /Set publicUrl so that clients have an address/)
  assert.doesNotMatch(text, /go env -w/)
})

test('an address for all of the machine is shown with its real port', async () => {
  assert.match(await banner({}, ['http://[::]:4711']), /GOPROXY=http:\/\/localhost:4711\n/)
})

test('tenants are named with their addresses', async () => {
  const yaml = 'tenants: { acme: { hosts: go.acme.example }, beta: {} }'
  const text = await banner({ yaml }, ['http://127.0.0.1:6637'])
  assert.match(
    text,
    /tenants {4}acme: http:\/\/go\.acme\.example:6637\n {13}beta: http:\/\/127\.0\.0\.1:6637\/t\/beta\n/,
  )
})
