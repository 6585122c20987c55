import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseRepositoryUrl } from './repository-url.ts'

test('URLs that both the configuration and a page may name', () => {
  const table: [text: string, href: string][] = [
    ['https://git.corp.example/team/tool', 'https://git.corp.example/team/tool'],
    ['HTTPS://Git.Corp.Example:443/Team/tool.git', 'https://git.corp.example/Team/tool.git'],
    ['http://git.corp.example:8080/x', 'http://git.corp.example:8080/x'],
    ['ssh://git@Git.corp.example:22/x', 'ssh://git@git.corp.example/x'],
    ['ssh://git.corp.example:2222/~me/x', 'ssh://git.corp.example:2222/~me/x'],
    ['git+ssh://git@git.corp.example/x', 'ssh://git@git.corp.example/x'],
    ['https://[2001:DB8::1]:8443/x', 'https://[2001:db8::1]:8443/x'],
    ['https://2130706433/x', 'https://127.0.0.1/x'],
    ['https://a.example/x%20y', 'https://a.example/x%20y'],
  ]
  for (const [text, href] of table) {
    for (const source of ['configuration', 'page'] as const) {
      const url = parseRepositoryUrl(text, source)
      assert.equal(url instanceof URL ? url.href : url, href, text)
    }
  }
})

test('what only the configuration may say', () => {
  const table: [text: string, href: string][] = [
    ['file:///srv/git/x.git', 'file:///srv/git/x.git'],
    ['git@git.corp.example:team/tool.git', 'ssh://git@git.corp.example/team/tool.git'],
    ['git.corp.example:/team/tool.git', 'ssh://git.corp.example/team/tool.git'],
  ]
  for (const [text, href] of table) {
    const url = parseRepositoryUrl(text, 'configuration')
    assert.equal(url instanceof URL ? url.href : url, href, text)
    assert.equal(typeof parseRepositoryUrl(text, 'page'), 'string', text)
  }
})

const HOSTILE = [
  '',
  '-uevil',
  '--upload-pack=evil',
  'ext::sh -c evil',
  'ext::sh',
  'fd::17',
  'ext::https://a.example/x',
  'git://a.example/x',
  'ftp://a.example/x',
  'javascript:alert(1)',
  '/srv/git/x',
  '../x',
  'https:a.example/x',
  'https:/a.example/x',
  'https://',
  'https:///x',
  'https://a.example',
  'https://a.example/',
  'https://a.example//',
  'https://user:secret@a.example/x',
  'https://user@a.example/x',
  'https://a.example@b.example/x',
  'https://@@b.example/x',
  'ssh://git:secret@a.example/x',
  'ssh://-oProxyCommand=evil/x',
  'ssh://-oProxyCommand=evil@a.example/x',
  'ssh://%2doProxyCommand=evil/x',
  'ssh://a.example%20-oProxyCommand/x',
  'ssh://a.-b.example/x',
  'ssh://a.example:-1/x',
  'ssh://a.example:0/x',
  'ssh://a..example/x',
  'ssh://a.example./x',
  'https://a.example./x',
  'https://a.example/x?upload-pack=evil',
  'https://a.example/x#y',
  'https://a.example/x\nhost=b.example',
  'https://a.example/x\0',
  'https://a.example/x\ty',
  'https://a.example/%0ahost=b.example',
  'https://a.example/%00',
  'https://a.example/%7f',
  'https://a.example/team/%2e%2e/team2',
  'https://a.example/team%2f..%2fteam2',
  'https://a.example/team/../team2',
  'https://a.example/team/./x',
  'https://a.example/team/..',
  'https://a.example/%zz',
  'https://a.example/\u00e9',
  'https://a.example\\@b.example/x',
  'https://a.example/{path}',
  'file://host/x',
  'file:x',
]

test('what is no URL of a repository to anybody', () => {
  for (const text of HOSTILE)
    for (const source of ['configuration', 'page'] as const)
      assert.equal(typeof parseRepositoryUrl(text, source), 'string', JSON.stringify(text))
})

test('what is accepted holds nothing that git or ssh could take for something else', () => {
  const piece = fc.constantFrom(
    'https://',
    'ssh://',
    '@',
    ':',
    '/',
    '-',
    '..',
    '%',
    '0a',
    '2f',
    'a',
    'x.y',
    '\n',
    '\\',
    '?',
    '::',
    '[',
    ']',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
      const url = parseRepositoryUrl(pieces.join(''), 'page')
      if (typeof url === 'string') return
      assert.match(url.href, /^(https?|ssh):\/\/([A-Za-z0-9_][\w.-]*@)?[a-z0-9_[][a-z0-9_.:[\]-]*\/[!-~]+$/)
      assert.equal(url.password, '')
      assert.ok(!/%(0|1|2f|5c|7f)/i.test(url.href))
    }),
    { numRuns: 2000 },
  )
})
