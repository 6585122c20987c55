import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OriginConfig } from '../config/config.ts'
import { load } from '../config/load.fixture.ts'
import { originsToAsk } from './others.ts'
import { createTestObserver } from './test-origin.ts'

function urlOf(origin: OriginConfig): string {
  return origin.type === 'goproxy' ? origin.url : 'git'
}

/** Names and URLs of the origins that are asked, and the warnings. */
async function toAsk(given: Parameters<typeof load>[0]) {
  const { config } = await load(given)
  const observer = createTestObserver()
  const others = originsToAsk(config, observer.log)
  return { config, others, urls: [...others.values()].map(urlOf), warnings: observer.warnings }
}

test('others are asked as they are configured', async () => {
  const yaml = 'origins: { a: { url: "https://a.example" }, self: { url: "http://127.0.0.1:6637" } }'
  const { urls, warnings } = await toAsk({ yaml })
  assert.deepEqual(urls, ['https://a.example'])
  assert.deepEqual(warnings, ['origin self is this modstead itself and is not asked'])
})

test('where only we are left, the public proxy is asked, without what was meant for us', async () => {
  const { urls, warnings } = await toAsk({ env: { GOPROXY: 'http://127.0.0.1:6637' } })
  assert.deepEqual(urls, ['https://proxy.golang.org'])
  assert.match(
    warnings.at(-1)!,
    /^no other origin is configured: https:\/\/proxy\.golang\.org is asked instead$/,
  )
  const yaml = 'origins: { self: { url: "http://localhost:6637", credentials: { token: for-us } } }'
  const { others, config } = await toAsk({ yaml })
  assert.notEqual(config.origins.get('self')!.credentials, undefined)
  assert.equal(urlOf(others.get('self')!), 'https://proxy.golang.org')
  assert.equal(others.get('self')!.credentials, undefined)
})

test('an origin of private routes that is ourselves is never replaced by a public one', async () => {
  const yaml = `
origins:
  self: { url: "http://127.0.0.1:6637" }
  again: { url: "http://localhost:6637" }
routes:
  - { modules: corp.example, from: [self], private: true }
  - { modules: "*", from: [again] }
`
  const { others, urls } = await toAsk({ yaml })
  assert.deepEqual([...others.keys()], ['again'])
  assert.deepEqual(urls, ['https://proxy.golang.org'])
  const shared = yaml.replace('[again]', '[self, again]')
  assert.deepEqual(
    [...(await toAsk({ yaml: shared })).others.keys()],
    ['again'],
    'also where both routes ask it',
  )
})
