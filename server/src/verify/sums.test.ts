import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { readSums } from './sums.ts'

const H1 = `h1:${'A'.repeat(43)}=`

function folder(t: TestContext, files: Record<string, string>): string {
  const path = mkdtempSync(join(tmpdir(), 'verify-sums-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
  return path
}

test('a folder has go.sum, go.work.sum or both, and files are called as one would from here', async (t) => {
  const cwd = folder(t, { 'go.sum': `a.example v1.0.0 ${H1}\n`, 'go.work.sum': `\nb.example v1.0.0 ${H1}\n` })
  const { files, lines, findings } = await readSums('.', cwd)
  assert.deepEqual([files, findings], [['go.sum', 'go.work.sum'], []])
  assert.deepEqual(
    lines.map(({ path, where }) => [path, where]),
    [
      ['a.example', 'go.sum:1'],
      ['b.example', 'go.work.sum:2'],
    ],
  )
  mkdirSync(join(cwd, 'below'))
  const outside = await readSums(join(cwd, 'go.sum'), join(cwd, 'below'))
  assert.deepEqual(outside.files, [join(cwd, 'go.sum')])
  assert.deepEqual((await readSums('go.work.sum', cwd)).files, ['go.work.sum'])
})

test('a folder with a go.mod alone needs nothing; one without is a mistake', async (t) => {
  assert.deepEqual((await readSums('.', folder(t, { 'go.mod': 'module a.example\n' }))).files, [])
  await assert.rejects(readSums('.', folder(t, {})), { code: 'config_invalid' })
  await assert.rejects(readSums('go.sum', folder(t, {})), { code: 'config_invalid' })
})

test('a file that no go.sum is', async (t) => {
  const cwd = folder(t, { 'go.sum': '' })
  truncateSync(join(cwd, 'go.sum'), 100 << 20)
  await assert.rejects(readSums('.', cwd), { code: 'bad_request', message: /larger than 33554432 bytes/ })
  const odd = folder(t, {})
  mkdirSync(join(odd, 'go.sum'))
  await assert.rejects(readSums('.', odd), { code: 'bad_request', message: /is not a file/ })
})

test('thousands of bad lines are a hundred findings and a number', async (t) => {
  const { findings } = await readSums('go.sum', folder(t, { 'go.sum': 'x\n'.repeat(5_000) }))
  assert.equal(findings.length, 101)
  assert.match(findings.at(-1)!.message, /^go\.sum: 4900 more lines are wrong\.$/)
})
