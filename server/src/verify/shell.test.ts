import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { keepCommands, removeCommands, shellWord } from './shell.ts'

const AWKWARD = [
  'plain/path-1.0',
  'a b',
  "it's",
  '!azure',
  '$HOME `id` "x"',
  '*',
  '\u001b[31m\n',
  'é',
  "\u0007'\\",
  '',
]

test('a word means its text and nothing else, and can be printed', () => {
  for (const text of AWKWARD) {
    const word = shellWord(text, 'linux')
    assert.doesNotMatch(word, /[\u0000-\u001f\u007f-\u009f]/, word)
    assert.equal(execFileSync('bash', ['-c', `printf %s ${word}`], { encoding: 'utf8' }), text)
  }
})

test('words for PowerShell', () => {
  assert.equal(shellWord('C:\\go\\mod', 'win32'), "'C:\\go\\mod'")
  assert.equal(shellWord("it's", 'win32'), "'it''s'")
  assert.equal(shellWord('\u001b', 'win32'), '"`u{1b}"')
  assert.deepEqual(removeCommands({ files: ['a.zip'], folders: ['a b'] }, 'win32'), [
    "Remove-Item -Recurse -Force -LiteralPath a.zip, 'a b'",
  ])
})

test('what is kept as evidence is a copy in the home folder, of read-only folders too', (t) => {
  const home = mkdtempSync(join(tmpdir(), 'verify-shell-'))
  t.after(() => {
    execFileSync('chmod', ['-R', 'u+w', home])
    rmSync(home, { recursive: true, force: true })
  })
  const file = join(home, "it's!.zip")
  const folder = join(home, 'a b')
  mkdirSync(folder)
  writeFileSync(join(folder, 'x.go'), 'changed', { mode: 0o400 })
  execFileSync('chmod', ['a-w', folder])
  writeFileSync(file, 'zip')
  const [command] = keepCommands([file, folder], 'linux')
  const said = execFileSync('sh', ['-e', '-c', command!], {
    encoding: 'utf8',
    env: { ...process.env, HOME: home },
  })
  const kept = /^kept in (.*)\n$/.exec(said)![1]!
  assert.equal(dirname(kept), home)
  assert.deepEqual(readdirSync(kept).sort(), ['a b', "it's!.zip"])
  assert.equal(readFileSync(join(kept, 'a b', 'x.go'), 'utf8'), 'changed')
  assert.ok(existsSync(join(folder, 'x.go')) && existsSync(file))
  assert.match(keepCommands(['a.zip', 'a b'], 'win32')[0]!, /-LiteralPath a\.zip, 'a b' -Destination/)
})

test('what is removed is gone, read-only folders too, and nothing else', (t) => {
  const home = mkdtempSync(join(tmpdir(), 'verify-shell-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  const file = join(home, "it's!")
  const folder = join(home, 'a b')
  mkdirSync(folder)
  writeFileSync(join(folder, 'x'), '', { mode: 0o400 })
  execFileSync('chmod', ['a-w', folder])
  for (const name of [file, join(home, 'kept')]) writeFileSync(name, '')
  const commands = removeCommands({ files: [file], folders: [folder] }, 'linux')
  execFileSync('sh', ['-e', '-c', commands.join('\n')])
  assert.deepEqual(readdirSync(home), ['kept'])
  assert.deepEqual(removeCommands({ files: [], folders: [] }, 'linux'), [])
})
