import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMappings } from './mappings.ts'

test('of files, the folder that the configuration names is known', () => {
  const table: [pattern: string, url: string, below: string | undefined][] = [
    ['corp.example/*', 'file:///srv/git/{path}.git', 'file:///srv/git/'],
    ['corp.example/*', 'file:///srv/git/team-{path}/{path}', 'file:///srv/git/'],
    ['corp.example/x', 'file:///srv/git/x', 'file:///srv/git/x'],
    ['corp.example/*', 'https://git.corp.example/{path}', undefined],
  ]
  for (const [pattern, url, below] of table) {
    const found = createMappings([{ pattern, url }]).find('corp.example/x')
    assert.ok(typeof found === 'object')
    assert.equal(found.below?.href, below)
  }
})

test('which repository a path belongs to', () => {
  const mappings = createMappings([
    { pattern: 'corp.example/*', url: 'ssh://git@git.corp.example/{path}' },
    { pattern: 'corp.example/group/*/*', url: 'https://git.corp.example/{path}.git' },
    { pattern: 'corp.example/tool', url: 'file:///srv/git/tool.git' },
    { pattern: '*.lab.example/team-*', url: 'https://lab.example/x/{path}' },
    { pattern: 'whole.example', url: 'https://git.corp.example/whole' },
    { pattern: 'deep.example/a/*', url: 'https://git.corp.example/{path}' },
  ])
  const table: [path: string, found: [root: string, url: string] | 'above' | undefined][] = [
    ['corp.example/x', ['corp.example/x', 'ssh://git@git.corp.example/x']],
    ['corp.example/x/sub/v2', ['corp.example/x', 'ssh://git@git.corp.example/x']],
    ['corp.example/tool/v3', ['corp.example/tool', 'file:///srv/git/tool.git']],
    ['corp.example/group/a/b/c', ['corp.example/group/a/b', 'https://git.corp.example/a/b.git']],
    ['corp.example/group/a', ['corp.example/group', 'ssh://git@git.corp.example/group']],
    ['corp.example', 'above'],
    ['a.lab.example/team-1/x', ['a.lab.example/team-1', 'https://lab.example/x/team-1']],
    ['a.lab.example/other', undefined],
    ['a.lab.example', 'above'],
    ['whole.example', ['whole.example', 'https://git.corp.example/whole']],
    ['whole.example/x/y', ['whole.example', 'https://git.corp.example/whole']],
    ['deep.example/a', 'above'],
    ['deep.example/b', undefined],
    ['corp.examplex/x', undefined],
    ['x.corp.example/x', undefined],
  ]
  for (const [path, expected] of table) {
    const found = mappings.find(path)
    const short = typeof found === 'object' ? [found.root, found.url.href] : found
    assert.deepEqual(short, expected, path)
    if (typeof found === 'object') assert.deepEqual([found.configured, found.subdirectory], [true, ''])
  }
})
