import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { witnessKeyOf } from '@modstead/gomod/checkpoint/cosignature'
import { generateKey } from '@modstead/gomod/note'
import { loadConfig } from '../server/src/config/load.ts'
import { configReference } from './config-reference.ts'

/** What pages write with dots in place of its end. */
const WITNESS = witnessKeyOf(generateKey('witness.partner.example').skey)
const GUIDES = [
  'access.md',
  'vanity.md',
  'hooks.md',
  'publishing.md',
  'private-modules.md',
  'checksum-database.md',
  'tenants.md',
  'tls.md',
]

test('every example on the configuration page and in the guides is a valid configuration', async () => {
  const guides = GUIDES.map((name) => readFileSync(new URL(`../docs/${name}`, import.meta.url), 'utf8'))
  const examples = [configReference(), ...guides].map((page) =>
    Array.from(page.matchAll(/```yaml\n([^]*?\n) *```/g), (match) => match[1]!),
  )
  assert.ok(examples[0]!.length >= 7 && examples.every((some) => some.length > 0))
  for (const example of examples.flat()) {
    const yaml = example.replaceAll('witness.partner.example+…', WITNESS)
    const readFile = (path: string) => Promise.resolve(path.endsWith('.yaml') ? yaml : contentsOf(path))
    const env = {
      GOENV: 'off',
      ARTIFACTORY_TOKEN: 'x',
      GITLAB_TOKEN: 'x',
      HOOK_SECRET: 'h'.repeat(16),
      CI_TOKEN: 'c'.repeat(16),
      OPS_TOKEN: 'o'.repeat(16),
      AUDITOR_TOKEN: 'a'.repeat(16),
    }
    const stat = (path: string) => Promise.resolve({ mode: 0o600, dev: path.startsWith('/mnt/') ? 2 : 1 })
    const { warnings } = await loadConfig({ flags: {}, env, cwd: '/', home: '/', readFile, stat })
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

/** What a file of that name is likely to hold: a key of the log, another for each file, or certificates. */
function contentsOf(path: string): string {
  if (!path.endsWith('.key') || !path.includes('sumdb')) return '-----BEGIN CERTIFICATE-----'
  return generateKey('go.corp.example', createHash('sha256').update(path).digest()).skey
}
