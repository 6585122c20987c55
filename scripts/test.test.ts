import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Outcome } from './outcome-reporter.ts'
import { halves, selectFiles, summaryLines } from './test.ts'

const files = ['gomod/src/a.test.ts', 'gomod/src/zip/b.test.ts', 'server/src/c.test.ts']

test('file filters: files, folders, globs', () => {
  assert.deepEqual(selectFiles(files, []), files)
  assert.deepEqual(selectFiles(files, ['server/src/c.test.ts']), [files[2]])
  assert.deepEqual(selectFiles(files, ['./gomod/src/']), [files[0], files[1]])
  assert.deepEqual(selectFiles(files, ['**/b.*', 'server']), [files[1], files[2]])
  assert.throws(
    () => selectFiles(files, ['gomod/src/z.test.ts']),
    /no test file is named gomod\/src\/z\.test\.ts/,
  )
})

test('many files are run in two halves, few in one', () => {
  const many = Array.from({ length: 41 }, (_, i) => `f${i}`)
  const [one, two] = halves(many)
  assert.deepEqual([one!.length, two!.length], [21, 20])
  assert.deepEqual([...one!, ...two!].toSorted(), many.toSorted())
  assert.deepEqual(halves(['a', 'b']), [['a', 'b']])
})

test('the summary has the words of node', () => {
  assert.deepEqual(summaryLines({ tests: 3, passed: 2, failed: 1 }, 12.3).slice(0, 4), [
    'ℹ tests 3',
    'ℹ suites 0',
    'ℹ pass 2',
    'ℹ fail 1',
  ])
})

test('the reporter names what was not run', () => {
  const folder = mkdtempSync(join(tmpdir(), 'modstead-reporter-'))
  try {
    const file = join(folder, 'x.test.mjs')
    writeFileSync(
      file,
      `import { describe, it, test } from 'node:test'
       test('runs', () => {})
       test('is skipped', { skip: 'no tool' }, () => {})
       describe('group', () => { it('skips itself', (t) => t.skip()); it.todo('planned') })`,
    )
    const reporter = fileURLToPath(new URL('./outcome-reporter.ts', import.meta.url))
    const args = ['--test', '--test-isolation=none', `--test-reporter=${reporter}`, file]
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', env })
    const { counts, skipped } = JSON.parse(stdout) as Outcome
    assert.equal(counts.tests, 4)
    assert.deepEqual(
      skipped.map((line) => line.replace(folder, '')),
      ['/x.test.mjs: is skipped (no tool)', '/x.test.mjs: skips itself', '/x.test.mjs: planned'],
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
