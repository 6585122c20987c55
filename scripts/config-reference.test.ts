import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from '../server/src/config/load.ts'
import { configReference } from './config-reference.ts'

test('every example on the configuration page is a valid configuration', async () => {
  const examples = [...configReference().matchAll(/```yaml\n([^]*?)```/g)].map((match) => match[1]!)
  assert.ok(examples.length >= 7)
  for (const yaml of examples) {
    const readFile = (path: string) =>
      Promise.resolve(path.endsWith('.yaml') ? yaml : '-----BEGIN CERTIFICATE-----')
    const env = { GOENV: 'off', ARTIFACTORY_TOKEN: 'x', CI_TOKEN: 'c'.repeat(16), OPS_TOKEN: 'o'.repeat(16) }
    const { warnings } = await loadConfig({ flags: {}, env, cwd: '/', home: '/', readFile })
    assert.deepEqual(warnings, [], yaml)
  }
})

test('the page has keys of every depth with their defaults', () => {
  const page = configReference()
  for (const line of [
    /^\| `listen` \| address or list \| `127\.0\.0\.1:6637` \| Where modstead listens/m,
    /^\| `tls\.cert` \| path \| {2}\| /m,
    /^\| `origins\.NAME\.timeouts\.idle` \| duration \| `60s` \| /m,
    /^\| `origins\.NAME\.credentials\.token` \| secret \| /m,
    /^\| `routes\[\]\.fresh` \| duration \| `60s` \| /m,
    /^\| `lookAhead\.concurrency` \| 0 to 1024 \| `16` \| /m,
    /^\| `log\.requests` \| true, false \| `false` \| /m,
    /^\| `--data-dir` \| `MODSTEAD_DATA_DIR` \| `dataDir` \|$/m,
  ])
    assert.match(page, line)
})
