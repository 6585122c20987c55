import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { runHere } from './run.fixture.ts'

const H1 = `h1:${'A'.repeat(43)}=`
const OTHER = `h1:${'B'.repeat(42)}A=`

function setFolder(t: TestContext, goSum: string) {
  const folder = mkdtempSync(join(tmpdir(), 'verify-command-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'go.sum'), goSum)
  const env = { GOSUMDB: 'off', GOMODCACHE: join(folder, 'mod') }
  return (more: readonly string[] = [], isTTY = false) =>
    runHere({ args: ['verify', join(folder, 'go.sum'), ...more], env, isTTY })
}

test('where there is nothing to compare with, the exit code says so', async (t) => {
  const verify = setFolder(t, `a.example v1.0.0 ${H1}\n`)
  const ran = await verify()
  assert.equal(ran.code, 3)
  assert.match(
    ran.stdout,
    /go\.sum: 1 version: 1 with nothing to compare with\.\nA modstead that has private/,
  )
  assert.equal(ran.stderr, '')
})

test('progress is for terminals, and leaves nothing behind', async (t) => {
  const { stderr, stdout } = await setFolder(t, `a.example v1.0.0 ${H1}\n`)([], true)
  assert.equal(stderr, '\r1 of 1 versions compared\r\u001b[K')
  assert.doesNotMatch(stdout, /\r/)
})

test('--json has every key, and null for what is not there', async (t) => {
  const { stdout, code } = await setFolder(
    t,
    `a.example v1.0.0 ${H1}\na.example v1.0.0 ${OTHER}\n`,
  )(['--json'])
  const report = JSON.parse(stdout) as Record<string, unknown>
  assert.deepEqual(Object.keys(report), [
    'format',
    'result',
    'files',
    'cache',
    'database',
    'proxy',
    'versions',
    'findings',
  ])
  assert.deepEqual([code, report.format, report.result], [1, 1, 'differences'])
  assert.deepEqual([report.database, report.proxy], [null, null])
  assert.deepEqual(Object.keys((report.findings as object[])[0]!), [
    'path',
    'version',
    'artifact',
    'kind',
    'wrong',
    'claims',
    'message',
    'steps',
    'security',
  ])
})
