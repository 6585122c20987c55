import assert from 'node:assert/strict'
import { test } from 'node:test'
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

test('a socket alone has no address for clients', async () => {
  const text = await banner({ env: { GOSUMDB: 'off' } }, ['unix:/run/m.sock'])
  assert.match(text, /checksums {2}off: modules are not proven/)
  assert.match(text, /Set publicUrl so that clients have an address/)
  assert.doesNotMatch(text, /go env -w/)
})

test('an address for all of the machine is shown with its real port', async () => {
  assert.match(await banner({}, ['http://[::]:4711']), /GOPROXY=http:\/\/localhost:4711\n/)
})
