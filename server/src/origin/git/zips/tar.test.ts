import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../../observe/test-support.ts'
import { BadTar, tarEntries, type TarEntry } from './tar.ts'
import { makeRepository } from '../test-repository.ts'

function entriesOf(tar: Buffer): TarEntry[] {
  return [...tarEntries((offset, length) => tar.subarray(offset, offset + length))]
}

async function archiveOf(
  t: Parameters<typeof temporaryFolder>[0],
  files: Record<string, string | Buffer>,
): Promise<Buffer> {
  const folder = join(await temporaryFolder(t), 'repository')
  const [hash] = makeRepository(folder, [{ files }])
  return execFileSync('git', ['archive', '--format=tar', hash!], { cwd: folder, maxBuffer: 1 << 28 })
}

test('every kind of name and file that git archive writes', async (t) => {
  const files: Record<string, string> = {
    'a.go': 'package a\n',
    empty: '',
    [`${'long/'.repeat(30)}name.go`]: 'deep\n',
    [`${'n'.repeat(220)}.go`]: 'a long name\n',
    [`${'ü'.repeat(110)}.go`]: 'a long name beyond ASCII\n',
    'ünï/cödé 世界.txt': 'text\n',
    'odd\n5 path=x\nname': 'a line break\n',
    'exact.bin': 'x'.repeat(512),
    'more.bin': 'x'.repeat(513),
    link: '-> a.go',
    [`${'links/'.repeat(25)}link`]: `-> ${'../'.repeat(60)}target`,
  }
  const tar = await archiveOf(t, files)
  const found = entriesOf(tar)
  const contents = found
    .filter(({ kind }) => kind === 'regular')
    .map(({ path, offset, size }) => [path, tar.subarray(offset, offset + size).toString()])
  const regular = Object.entries(files).filter(([, text]) => !text.startsWith('-> '))
  assert.deepEqual(Object.fromEntries(contents), Object.fromEntries(regular))
  assert.equal(contents.length, regular.length)
  const links = found.filter(({ kind }) => kind === 'symlink').map(({ path }) => path)
  assert.deepEqual(links.sort(), ['link', `${'links/'.repeat(25)}link`])
  assert.ok(found.some(({ path, kind }) => path === 'ünï' && kind === 'dir'))
})

test('an archive of nothing has no entries', async (t) => {
  assert.deepEqual(entriesOf(await archiveOf(t, {})), [])
})

test('an archive that was cut anywhere is whole up to there, or bad', async (t) => {
  const tar = await archiveOf(t, { 'a.go': 'package a\n', [`${'n'.repeat(220)}.go`]: 'x\n' })
  const end = tar.lastIndexOf('x\n') + 512
  for (let cut = 0; cut < end; cut += 256)
    assert.throws(() => entriesOf(tar.subarray(0, cut)), BadTar, `cut at ${cut}`)
})

test('what is no archive is bad', () => {
  const header = (fill: (header: Buffer) => void): Buffer => {
    const bytes = Buffer.alloc(1536)
    bytes.write('name', 0)
    bytes.write('00000000000', 124)
    bytes.write('0', 156)
    fill(bytes)
    return bytes
  }
  const table: [name: string, bytes: Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('fatal: not a tree object\n'.repeat(40))],
    ['a size that is none', header((bytes) => bytes.write('zzzzzzzzzzz', 124))],
    ['a negative size', header((bytes) => bytes.write('-0000000001', 124))],
    ['a size beyond the end', header((bytes) => bytes.write('77777777777', 124))],
    ['a huge header', header((bytes) => bytes.write('x', 156).toString() + bytes.write('77777777777', 124))],
    [
      'records that do not advance',
      header((bytes) => {
        bytes.write('x', 156)
        bytes.write('00000000010', 124)
        bytes.write('0 path=a\n', 512)
      }),
    ],
  ]
  for (const [name, bytes] of table) assert.throws(() => entriesOf(bytes), BadTar, name)
})
