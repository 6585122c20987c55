import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { temporaryFolder } from '../../../observe/test-support.ts'
import { BadAdvertisement, MOST_REFS, parseAdvertisement } from './advertisement.ts'
import { FLUSH, packet } from './packets.ts'
import { countingRemote, git, makeRepository } from '../test-repository.ts'

const A = 'a'.repeat(40)
const B = 'b'.repeat(40)
const C = 'c'.repeat(40)

async function refsIn(...lines: string[]): Promise<Record<string, string>> {
  const { byName } = await parseAdvertisement(Buffer.from([...lines, FLUSH].join('')))
  return Object.fromEntries(byName)
}

test('the refs of a real repository, annotated tags as what they stand for', async (t) => {
  const folder = join(await temporaryFolder(t), 'repository')
  const [first, second] = makeRepository(folder, [
    { files: { 'go.mod': 'module x\n' }, tags: ['v1.0.0'] },
    { files: { 'a.go': 'package a\n' } },
  ]) as [string, string]
  git(folder, [
    '-c',
    'user.name=A',
    '-c',
    'user.email=a@example.com',
    'tag',
    '-a',
    '-m',
    'x',
    'v1.1.0',
    second,
  ])
  git(folder, ['update-ref', 'refs/pull/1/head', first])
  const refs = await countingRemote(folder).refs(new AbortController().signal)
  assert.deepEqual(Object.fromEntries(refs.byName), {
    HEAD: second,
    'refs/heads/main': second,
    'refs/tags/v1.0.0': first,
    'refs/tags/v1.1.0': second,
  })
  assert.deepEqual(refs.namesOf(second), ['HEAD', 'refs/heads/main', 'refs/tags/v1.1.0'])
  assert.deepEqual(refs.namesOf('0'.repeat(40)), [])
  assert.equal(refs.hashLength, 40)
})

test('a repository without commits has no refs', async () => {
  assert.deepEqual(await refsIn(packet(`${'0'.repeat(40)} capabilities^{}\0agent=git`)), {})
  assert.deepEqual(await refsIn(), {})
})

test('over http, the name of the service and a flush packet come first', async () => {
  const lines = [packet('# service=git-upload-pack'), FLUSH, packet(`${A} HEAD\0agent=git`)]
  assert.deepEqual(await refsIn(...lines), { HEAD: A })
})

test('hashes of sha256 are longer', async () => {
  const long = 'd'.repeat(64)
  const refs = await parseAdvertisement(
    Buffer.from(packet(`${long} refs/heads/main\0agent=git object-format=sha256 x`) + FLUSH),
  )
  assert.equal(refs.hashLength, 64)
  assert.equal(refs.byName.get('refs/heads/main'), long)
})

test('names that could do harm are passed over, the others are kept', async () => {
  const hostile = [
    'refs/tags/a b',
    'refs/tags/a\tb',
    'refs/tags/a\u007fb',
    'refs/tags/\u001b[31mv1.0.0',
    'refs/tags/../../etc',
    'refs/tags/a..b',
    'refs/tags/a~1',
    'refs/tags/a^1',
    'refs/tags/a:b',
    'refs/tags/a?',
    'refs/tags/*',
    'refs/tags/[a]',
    'refs/tags/a\\b',
    'refs/tags/a@{1}',
    'refs/tags//a',
    'refs/tags/.a',
    'refs/tags/a.lock',
    'refs/tags/a/',
    'refs/tags/a.',
    'refs/tags/',
    'refs/notes/x',
    'refs/pull/1/head',
    'HEAD2',
    '--upload-pack=touch',
  ]
  const kept = ['refs/tags/--help', 'refs/heads/$(id)', 'refs/tags/`id`;x|y&z', 'refs/heads/ä/ö']
  const lines = [...hostile, ...kept].map((name) => packet(`${A} ${name}`))
  assert.deepEqual(Object.keys(await refsIn(...lines)).sort(), [...kept].sort())
})

test('what is no list of refs is refused, in words that do not depend on it', async () => {
  const table: [bytes: string, message: RegExp][] = [
    ['<!doctype html><title>Sign in</title>', /not a whole list/],
    [packet(`${A} HEAD`), /not a whole list/],
    [packet('hello') + FLUSH, /not a list of refs/],
    [packet(`${A.toUpperCase()} HEAD`) + FLUSH, /not a list of refs/],
    [packet(`${A}xHEAD`) + FLUSH, /not a list of refs/],
    [packet('ERR no such repository') + FLUSH, /^says: no such repository$/],
    ['', /not a whole list/],
  ]
  for (const [bytes, message] of table)
    await assert.rejects(
      parseAdvertisement(Buffer.from(bytes)),
      (error) => error instanceof BadAdvertisement && message.test(error.message),
      bytes,
    )
})

test('a repository may have so many branches and tags, and any number of other refs', async () => {
  const lines = (count: number, of: string): string =>
    Array.from({ length: count }, (_, i) => packet(`${A} refs/${of}/${i}`)).join('')
  assert.equal(Object.keys(await refsIn(lines(MOST_REFS, 'tags'), lines(50_000, 'pull'))).length, MOST_REFS)
  await assert.rejects(
    refsIn(lines(MOST_REFS, 'tags'), lines(1, 'heads')),
    /more than 250000 branches and tags/,
  )
})

test('a long list leaves turns to others', async () => {
  let turns = 0
  let over = false
  const count = (): void => {
    turns++
    if (!over) setImmediate(count)
  }
  setImmediate(count)
  await refsIn(...Array.from({ length: 20_000 }, (_, i) => packet(`${A} refs/tags/${i}`)))
  over = true
  assert.ok(turns >= 9, `${turns} turns`)
})

test('a peeled name without its tag stands for nothing', async () => {
  assert.deepEqual(await refsIn(packet(`${B} refs/tags/v1.0.0^{}`), packet(`${C} refs/heads/main`)), {
    'refs/heads/main': C,
  })
})

test('whatever the bytes, there are refs or a refusal', async () => {
  const line = fc.oneof(
    fc.string().map(packet),
    fc.string({ unit: 'binary' }).map((name) => packet(`${A} refs/tags/${name}`)),
    fc.constant(FLUSH),
    fc.string(),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(line), async (lines) => {
      try {
        for (const name of Object.keys(await refsIn(...lines))) assert.doesNotMatch(name, /[\p{Cc} ]/u)
      } catch (error) {
        assert.ok(error instanceof BadAdvertisement, String(error))
      }
    }),
  )
})
