import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import type { HookConfig } from '../config/config.ts'
import { ModsteadError } from '../errors.ts'
import { readPayload } from './hook-payloads.ts'
import { FORGEJO, GITHUB, GITLAB, type Sample } from './hook-payloads.fixture.ts'

function read(type: HookConfig['type'], { headers, body }: Sample) {
  return readPayload(type, headers, JSON.stringify(body))
}

suite('GitLab', () => {
  const repository = [
    'platform/tool',
    'https://git.corp.example/platform/tool.git',
    'git@git.corp.example:platform/tool.git',
    'https://git.corp.example/platform/tool',
  ]

  test('a branch, a tag, and both in a system hook', () => {
    assert.deepEqual(read('gitlab', GITLAB.branch), { kind: 'push', repository, refs: ['refs/heads/main'] })
    assert.deepEqual(read('gitlab', GITLAB.tag), { kind: 'push', repository, refs: ['refs/tags/v1.2.3'] })
    assert.deepEqual(read('gitlab', GITLAB.update), {
      kind: 'push',
      repository: ['platform/tool', 'https://git.corp.example/platform/tool.git'],
      refs: ['refs/heads/main', 'refs/tags/v1.2.3'],
    })
  })

  test('other events are ignored', () => {
    assert.deepEqual(read('gitlab', GITLAB.issue), { kind: 'ignored' })
    assert.deepEqual(readPayload('gitlab', {}, '{}'), { kind: 'ignored' })
  })
})

suite('GitHub', () => {
  const repository = [
    'corp/tool',
    'https://github.com/corp/tool.git',
    'git@github.com:corp/tool.git',
    'git://github.com/corp/tool.git',
    'https://github.com/corp/tool',
  ]

  test('a branch, a tag, and the end of one', () => {
    assert.deepEqual(read('github', GITHUB.branch), { kind: 'push', repository, refs: ['refs/heads/main'] })
    assert.deepEqual(read('github', GITHUB.tag), { kind: 'push', repository, refs: ['refs/tags/v1.2.3'] })
    assert.deepEqual(read('github', GITHUB.deleted), {
      kind: 'push',
      repository,
      refs: ['refs/heads/topic/x'],
    })
  })

  test('a ping, and other events', () => {
    assert.deepEqual(read('github', GITHUB.ping), { kind: 'ping' })
    assert.deepEqual(read('github', { ...GITHUB.branch, headers: { 'x-github-event': 'star' } }), {
      kind: 'ignored',
    })
    assert.deepEqual(read('github', { ...GITHUB.branch, headers: {} }), { kind: 'ignored' })
  })
})

test('Gitea and Forgejo: a branch, and a tag made on a page', () => {
  const repository = [
    'corp/tool',
    'https://forge.corp.example/corp/tool.git',
    'git@forge.corp.example:corp/tool.git',
    'https://forge.corp.example/corp/tool',
  ]
  assert.deepEqual(read('gitea', FORGEJO.branch), { kind: 'push', repository, refs: ['refs/heads/main'] })
  assert.deepEqual(read('gitea', FORGEJO.tag), { kind: 'push', repository, refs: ['refs/tags/v1.2.3'] })
  const gitea = { ...FORGEJO.branch, headers: { 'x-gitea-event': 'push' } }
  assert.deepEqual(read('gitea', gitea), { kind: 'push', repository, refs: ['refs/heads/main'] })
})

test('the generic form', () => {
  const rows: [body: object, expected: object][] = [
    [{ repository: 'a/b' }, { kind: 'push', repository: ['a/b'], refs: [] }],
    [
      { repository: ['a/b', 'https://x/a/b', 'a/b'], ref: 'refs/tags/v1' },
      { kind: 'push', repository: ['a/b', 'https://x/a/b'], refs: ['refs/tags/v1'] },
    ],
    [
      { repository: 'a/b', refs: ['refs/heads/ä', 'refs/heads/ä', 'refs/notes/x', 7] },
      { kind: 'push', repository: ['a/b'], refs: ['refs/heads/ä'] },
    ],
    [{ repository: 'a/b', refs: [] }, { kind: 'ignored' }],
    [{ repository: 'a/b', ref: 'refs/pull/1/head' }, { kind: 'ignored' }],
  ]
  for (const [body, expected] of rows)
    assert.deepEqual(readPayload('generic', {}, JSON.stringify(body)), expected)
})

test('what others chose is no more than text within bounds', () => {
  const refs = [
    'refs/heads/a b',
    'refs/heads/',
    'refs/heads/a\nb',
    `refs/heads/${'x'.repeat(251)}`,
    '--upload-pack=x',
  ]
  for (const ref of [...refs, 'refs/heads/a..[b', 'refs/tags/\u0000', 'refs/tags/\u202e', null, {}, 7])
    assert.deepEqual(readPayload('generic', {}, JSON.stringify({ repository: 'a', ref })), {
      kind: 'ignored',
    })
  const many = Array.from({ length: 101 }, (_, i) => `refs/tags/v1.0.${i}`)
  assert.deepEqual(
    readPayload('generic', {}, JSON.stringify({ repository: 'a', refs: many })),
    { kind: 'push', repository: ['a'], refs: [] },
    'of so many, any may have changed',
  )
  assert.deepEqual(
    readPayload(
      'generic',
      {},
      JSON.stringify({ repository: ['https://u:token@git.example/x@y', 'ssh://git@h/x'] }),
    ),
    { kind: 'push', repository: ['https://git.example/x@y', 'ssh://git@h/x'], refs: [] },
    'credentials are dropped',
  )
  for (const repository of ['', 'a b', 'x'.repeat(1025), 'a\u0000', 7, {}, [], null, undefined])
    assert.throws(
      () => readPayload('generic', {}, JSON.stringify({ repository })),
      (error) => error instanceof ModsteadError && error.code === 'bad_request',
    )
})

test('anything gives an event or bad_request', () => {
  const types = fc.constantFrom<HookConfig['type']>('gitlab', 'github', 'gitea', 'generic')
  const keys = fc.constantFrom(
    'object_kind',
    'project',
    'repository',
    'ref',
    'refs',
    'ref_type',
    'full_name',
    'x',
  )
  const leaf = fc.oneof(
    fc.string(),
    fc.constantFrom('push', 'tag_push', 'repository_update', 'tag'),
    fc.jsonValue(),
  )
  const value = fc.dictionary(keys, fc.oneof(leaf, fc.dictionary(keys, leaf)))
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    value.map((each) => JSON.stringify(each)),
  )
  const event = fc.constantFrom('push', 'create', 'delete', 'ping', 'x')
  fc.assert(
    fc.property(types, event, text, (type, event, text) => {
      try {
        const read = readPayload(type, { 'x-github-event': event, 'x-gitea-event': event }, text)
        assert.ok(['push', 'ping', 'ignored'].includes(read.kind))
      } catch (error) {
        assert.ok(error instanceof ModsteadError && error.code === 'bad_request', String(error))
      }
    }),
    { numRuns: 1000 },
  )
})
