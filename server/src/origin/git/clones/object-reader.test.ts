import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { temporaryFolder } from '../../../observe/test-support.ts'
import { createGates } from '../programs/gates.ts'
import { createObjectReader, ObjectTooLarge, ReaderFailed, type ObjectReader } from './object-reader.ts'
import { git, makeRepository } from '../test-repository.ts'

const patient = new AbortController().signal
const LIMIT = 1 << 20

interface Fixture {
  folder: string
  hash: string
  reader: ObjectReader
}

async function fixture(t: TestContext, deadline = 40_000): Promise<Fixture> {
  const folder = join(await temporaryFolder(t), 'repository')
  const [hash] = makeRepository(folder, [
    {
      files: {
        'go.mod': 'module x\n',
        'sub/a b.go': 'package sub\n',
        'line\nbreak': 'odd',
        link: '-> go.mod',
        empty: '',
        large: Buffer.alloc(3 << 20, 97),
      },
    },
  ])
  const reader = createObjectReader(folder, deadline, createGates(2))
  t.after(() => reader.close())
  return { folder, hash: hash!, reader }
}

async function texts({ reader }: Fixture, ...names: string[]): Promise<(string | undefined)[]> {
  return (await reader.read(names, LIMIT, patient)).map((object) => object?.bytes.toString())
}

/** The processes that read objects of a repository. */
async function gitsOf(folder: string): Promise<number[]> {
  const found: number[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (line.includes(folder) && line.includes('cat-file')) found.push(Number(pid))
  }
  return found
}

test('objects by name, in order; what is not there is undefined', async (t) => {
  const f = await fixture(t)
  const { hash } = f
  assert.deepEqual(
    await texts(
      f,
      `${hash}:go.mod`,
      `${hash}:nothing`,
      `${hash}:sub/a b.go`,
      `${hash}:empty`,
      `${hash}:link`,
    ),
    ['module x\n', undefined, 'package sub\n', '', 'go.mod'],
  )
  const [commit, tree, absent, odd] = await f.reader.read(
    [`${hash}^{commit}`, `${hash}:sub`, '0'.repeat(40), `${hash}:go.mod/x`],
    LIMIT,
    patient,
  )
  assert.equal(commit?.type, 'commit')
  assert.equal(commit?.hash, hash)
  assert.equal(tree?.type, 'tree')
  assert.equal(absent, undefined)
  assert.equal(odd, undefined)
})

test('a name with a line break is one question, and has no answer', async (t) => {
  const f = await fixture(t)
  const { hash } = f
  assert.deepEqual(await texts(f, `${hash}:line\nbreak`, `${hash}:go.mod`, 'x\n', `${hash}:empty`), [
    undefined,
    'module x\n',
    undefined,
    '',
  ])
})

test('an ambiguous name is none', async (t) => {
  const f = await fixture(t)
  const hashOf = (text: string): string =>
    createHash('sha1').update(`blob ${text.length}\0${text}`).digest('hex')
  const seen = new Map<string, string>()
  let twice = ''
  for (let i = 0; twice === ''; i++) {
    const prefix = hashOf(`${i}`).slice(0, 4)
    const other = seen.get(prefix)
    seen.set(prefix, `${i}`)
    if (other === undefined) continue
    for (const text of [other, `${i}`]) git(f.folder, ['hash-object', '-w', '--stdin'], text)
    twice = prefix
  }
  assert.deepEqual(await texts(f, twice), [undefined])
})

test('an object that is too large is refused, and the next question is answered', async (t) => {
  const f = await fixture(t)
  await assert.rejects(texts(f, `${f.hash}:large`), ObjectTooLarge)
  assert.deepEqual(await texts(f, `${f.hash}:go.mod`), ['module x\n'])
  const [large] = await f.reader.read([`${f.hash}:large`], 3 << 20, patient)
  assert.equal(large?.bytes.length, 3 << 20)
})

test('many readers at the same time get what each asked for, from one git', async (t) => {
  const f = await fixture(t)
  const { hash } = f
  const names = ['go.mod', 'sub/a b.go', 'empty', 'nothing']
  const wanted = ['module x\n', 'package sub\n', '', undefined]
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      texts(f, `${hash}:${names[i % 4]!}`, `${hash}:${names[(i + 1) % 4]!}`),
    ),
  )
  for (const [i, answer] of answers.entries())
    assert.deepEqual(answer, [wanted[i % 4], wanted[(i + 1) % 4]], `reader ${i}`)
  assert.equal((await gitsOf(f.folder)).length, 1)
})

test('a git that is killed fails the question it was at, and no other', async (t) => {
  const f = await fixture(t)
  assert.deepEqual(await texts(f, `${f.hash}:empty`), [''])
  const [pid] = await gitsOf(f.folder)
  process.kill(pid!, 'SIGSTOP')
  const asked = texts(f, `${f.hash}:go.mod`)
  process.kill(pid!, 'SIGKILL')
  await assert.rejects(asked, ReaderFailed)
  assert.deepEqual(await texts(f, `${f.hash}:go.mod`), ['module x\n'])
})

test('a git that does not answer is ended at the deadline', async (t) => {
  const f = await fixture(t, 5_000)
  assert.deepEqual(await texts(f, `${f.hash}:empty`), [''])
  const [pid] = await gitsOf(f.folder)
  process.kill(pid!, 'SIGSTOP')
  await assert.rejects(texts(f, `${f.hash}:go.mod`), /did not answer in time/)
  assert.deepEqual(await texts(f, `${f.hash}:go.mod`), ['module x\n'])
})

test('who gives up does not disturb the others', async (t) => {
  const f = await fixture(t)
  assert.deepEqual(await texts(f, `${f.hash}:empty`), [''])
  const [pid] = await gitsOf(f.folder)
  process.kill(pid!, 'SIGSTOP')
  const giveUp = new AbortController()
  const left = f.reader.read([`${f.hash}:go.mod`], LIMIT, giveUp.signal)
  const stayed = texts(f, `${f.hash}:go.mod`)
  // Its turn comes first.
  await new Promise((resolve) => setImmediate(resolve))
  giveUp.abort(new Error('gone'))
  await assert.rejects(left, /gone/)
  assert.deepEqual(await stayed, ['module x\n'])
})

test('a folder that is no repository, or is gone, cannot be read', async (t) => {
  const f = await fixture(t)
  await rm(f.folder, { recursive: true })
  await assert.rejects(texts(f, `${f.hash}:go.mod`), ReaderFailed)
})
