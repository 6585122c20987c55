import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runHere } from './run.fixture.ts'

test('a version that the path of the go.mod cannot have is told with the path that could', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-publish-cli-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const rows: [module: string, version: string, advice: RegExp][] = [
    [
      'corp.example/lib',
      'v2.0.0',
      /for v2 the module path must be corp\.example\/lib\/v2: change the module line/i,
    ],
    ['corp.example/lib/v2', 'v3.1.0', /the module path must be corp\.example\/lib\/v3:/i],
    ['corp.example/lib/v2', 'v1.0.0', /the module path must be corp\.example\/lib:/i],
    ['corp.example/lib', '2.0.0', /a version looks like v1\.2\.3/i],
    ['corp.example/lib', 'v2', /a version looks like v1\.2\.3/i],
  ]
  for (const [module, version, advice] of rows) {
    await writeFile(join(folder, 'go.mod'), `module ${module}\n`)
    const { code, stderr } = await runHere({ args: ['publish', folder, '--version', version, '--dry-run'] })
    assert.equal(code, 2, stderr)
    assert.match(stderr, advice)
  }
})
