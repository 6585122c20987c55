import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { temporaryFolder } from '../observe/test-support.ts'
import { uncommittedFiles } from './uncommitted.ts'

/** Git as it is on a machine without any settings, which looks for no repository above the folder of the test. */
async function makeFolder(t: TestContext) {
  const folder = realpathSync(await temporaryFolder(t))
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CEILING_DIRECTORIES: join(folder, '..'),
    ...Object.fromEntries(
      ['AUTHOR', 'COMMITTER'].flatMap((who) => [
        [`GIT_${who}_NAME`, 'A'],
        [`GIT_${who}_EMAIL`, 'a@corp.example'],
      ]),
    ),
  }
  const git = (...args: string[]) => execFileSync('git', ['-C', folder, ...args], { env, stdio: 'pipe' })
  const write = (path: string, text = path) => writeFileSync(join(folder, path), text)
  return { folder, env, git, write }
}

test('changed, new and ignored files are not committed', async (t) => {
  const { folder, env, git, write } = await makeFolder(t)
  mkdirSync(join(folder, 'sub'))
  for (const path of ['go.mod', 'a.go', 'sub/b.go']) write(path)
  write('.gitignore', 'ignored.go\n')
  git('init', '-q')
  git('add', '.')
  git('commit', '-qm', 'first')
  const paths = ['go.mod', 'a.go', 'sub/b.go', 'new.go', 'ignored.go']
  assert.deepEqual(await uncommittedFiles(folder, paths.slice(0, 3), env), [])
  write('a.go', 'other')
  write('new.go')
  write('ignored.go')
  assert.deepEqual(await uncommittedFiles(folder, paths, env), ['a.go', 'new.go', 'ignored.go'])
  assert.deepEqual(await uncommittedFiles(join(folder, 'sub'), ['b.go', 'new.go'], env), ['new.go'])
})

test('outside of every working tree, and without git, nothing is checked', async (t) => {
  const { folder, env, git } = await makeFolder(t)
  assert.deepEqual(await uncommittedFiles(folder, ['go.mod'], env), [])
  git('init', '-q')
  assert.deepEqual(await uncommittedFiles(folder, ['go.mod'], { ...env, PATH: folder }), [])
})

test('a working tree that git does not look into is no reason to skip the check', async (t) => {
  const { folder, env, git } = await makeFolder(t)
  git('init', '-q')
  const refused = (message: RegExp, more: object = {}) =>
    assert.rejects(uncommittedFiles(folder, ['go.mod'], { ...env, ...more }), {
      code: 'bad_request',
      message,
    })
  await refused(/^git cannot say what is committed in this folder: /)
  // What git says of a folder that belongs to somebody else.
  await refused(/dubious ownership/, { GIT_TEST_ASSUME_DIFFERENT_OWNER: '1' })
})
