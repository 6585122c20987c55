import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePatterns } from '@modstead/gomod/pattern'
import type { AccessConfig } from '../config/access/access-config.ts'
import { parseSubject } from '../config/access/access.ts'
import { BUILT_IN_ROLES, PERMISSIONS, type Permission } from '../config/permissions.ts'
import { createDecide, type Decision } from './decide.ts'
import { ANONYMOUS, type Principal } from './principal.ts'
import { ROLES } from './roles.ts'

const PRIVATE = compilePatterns('corp.example,git.example/team/*')
const isPrivate = (module: string) => PRIVATE.matches(module) || PRIVATE.couldBeParentOf(module)
const to = (...texts: string[]) => texts.map((text) => parseSubject(text)!)

const CONFIG: Pick<AccessConfig, 'anonymous' | 'admins' | 'roles' | 'bindings'> = {
  anonymous: ['example.com'],
  admins: to('user:root', '$admins'),
  roles: new Map<string, readonly Permission[]>([['auditor', ['module:read', 'audit:read']]]),
  bindings: [
    { to: to('group:a'), role: 'developer', modules: ['corp.example/a'] },
    { to: to('user:pub'), role: 'publisher', modules: ['corp.example/a'] },
    { to: to('service:ci'), role: 'viewer', modules: ['corp.example/a/lib'] },
    { to: to('$authenticated'), role: 'viewer', modules: ['corp.example/shared'] },
    { to: to('$all'), role: 'viewer', modules: ['corp.example/open'] },
    { to: to('user:audit'), role: 'auditor' },
    { to: to('group:narrow'), role: 'auditor', modules: ['corp.example/a'] },
    { to: to('workload:project:corp/app'), role: 'viewer', modules: ['git.example/team/x'] },
  ],
}
const decide = createDecide(CONFIG, { isPrivate })

function somebody(id: string, more: Partial<Principal> = {}): Principal {
  return { id, kind: 'user', groups: [], claims: {}, rights: [], ...more }
}
const ALICE = somebody('alice', { groups: ['a'] })
const BOB = somebody('bob')
const CI = somebody('ci', { kind: 'service', rights: ['module:publish'] })
const ROOT = somebody('root')
const narrowed = (modules: string[], permissions: Permission[] = ['module:read']) =>
  somebody('root', { limit: { permissions, modules } })

test('who may do what, with names and patterns alone', () => {
  const cases: [Principal, Permission, string | undefined, Decision][] = [
    // public modules
    [ANONYMOUS, 'module:read', 'example.com/x', 'allow'],
    [ANONYMOUS, 'module:read', 'example.org/x', 'unauthenticated'],
    [BOB, 'module:read', 'example.org/x', 'allow'],
    // private ones
    [ANONYMOUS, 'module:read', 'corp.example/a/lib', 'unauthenticated'],
    [ANONYMOUS, 'module:read', 'corp.example/b', 'unauthenticated'],
    [ANONYMOUS, 'module:read', 'git.example/team', 'unauthenticated'],
    [BOB, 'module:read', 'corp.example/a/lib', 'not_permitted'],
    [BOB, 'module:read', 'git.example/team', 'not_permitted'],
    [ALICE, 'module:read', 'corp.example/a', 'allow'],
    [ALICE, 'module:read', 'corp.example/a/lib/v2', 'allow'],
    [ALICE, 'module:read', 'corp.example/ab', 'not_permitted'],
    [ALICE, 'module:read', 'corp.example/b', 'not_permitted'],
    // what go asks for on the way
    [ALICE, 'module:read', 'corp.example', 'absent'],
    [ANONYMOUS, 'module:read', 'corp.example', 'absent'],
    [CI, 'module:read', 'corp.example/a', 'absent'],
    [CI, 'module:read', 'corp.example/a/lib', 'allow'],
    // built-in groups
    [BOB, 'module:read', 'corp.example/shared/x', 'allow'],
    [ANONYMOUS, 'module:read', 'corp.example/shared/x', 'unauthenticated'],
    [ANONYMOUS, 'module:read', 'corp.example/open/x', 'allow'],
    [somebody('project:corp/app', { kind: 'workload' }), 'module:read', 'git.example/team/x', 'allow'],
    [somebody('project:corp/app'), 'module:read', 'git.example/team/x', 'not_permitted'],
    // a user is no service of the same name, nor a group
    [somebody('ci'), 'module:read', 'corp.example/a/lib', 'not_permitted'],
    [somebody('a'), 'module:read', 'corp.example/a', 'not_permitted'],
    // roles
    [ALICE, 'module:publish', 'corp.example/a', 'not_permitted'],
    [somebody('pub'), 'module:publish', 'corp.example/a/x', 'allow'],
    [somebody('pub'), 'module:publish', 'corp.example/b', 'not_permitted'],
    [somebody('pub'), 'module:publish', 'corp.example', 'not_permitted'],
    [somebody('pub'), 'module:delete', 'corp.example/a/x', 'not_permitted'],
    [CI, 'module:publish', 'corp.example/b', 'allow'],
    [somebody('audit'), 'audit:read', undefined, 'allow'],
    // a binding for some modules says nothing of what is about none
    [somebody('n', { groups: ['narrow'] }), 'audit:read', undefined, 'not_permitted'],
    [ANONYMOUS, 'audit:read', undefined, 'unauthenticated'],
    // tokens that were narrowed
    [narrowed(['corp.example/b']), 'module:read', 'corp.example/b/x', 'allow'],
    [narrowed(['corp.example/b']), 'module:read', 'corp.example', 'absent'],
    [narrowed(['corp.example/b']), 'module:read', 'corp.example/c', 'not_permitted'],
    [narrowed(['corp.example/b']), 'module:read', 'example.com/x', 'allow'],
    [narrowed(['corp.example/b']), 'module:delete', 'corp.example/b', 'not_permitted'],
    [narrowed(['*'], ['audit:read']), 'module:read', 'corp.example/b', 'not_permitted'],
    [
      somebody('bob', { limit: { permissions: PERMISSIONS } }),
      'module:read',
      'corp.example/b',
      'not_permitted',
    ],
  ]
  for (const [principal, permission, module, expected] of cases) {
    const question = { permission, ...(module !== undefined && { module }) }
    assert.equal(decide(principal, question), expected, `${principal.id} ${permission} ${module}`)
  }
  for (const permission of PERMISSIONS)
    assert.equal(decide(ROOT, { permission, module: 'corp.example/z' }), 'allow', permission)
})

test('every role that there is allows what its list says, and nothing else', () => {
  for (const role of BUILT_IN_ROLES) {
    const bound = createDecide(
      { ...CONFIG, bindings: [{ to: to('user:one'), role, modules: ['corp.example'] }] },
      { isPrivate },
    )
    for (const permission of PERMISSIONS)
      for (const [id, module] of [
        ['one', 'corp.example/x'],
        ['one', 'git.example/team/x'],
        ['two', 'corp.example/x'],
      ] as const) {
        const expected = id === 'one' && module === 'corp.example/x' && ROLES[role].includes(permission)
        assert.equal(
          bound(somebody(id), { permission, module }),
          expected ? 'allow' : 'not_permitted',
          `${role} ${permission} ${id} ${module}`,
        )
      }
  }
})

test('what the server has itself is read by everybody, and nothing else is done with it', () => {
  const helper = 'go.corp.example/modstead/client'
  const open = createDecide(
    { ...CONFIG, anonymous: [] },
    { isPrivate, isOpen: (module) => module === helper },
  )
  const ask = (who: Principal, permission: Permission, module: string) => open(who, { permission, module })
  assert.equal(ask(ANONYMOUS, 'module:read', helper), 'allow')
  assert.equal(ask(narrowed(['corp.example/a']), 'module:read', helper), 'allow')
  assert.equal(ask(ANONYMOUS, 'module:read', `${helper}/x`), 'unauthenticated')
  assert.equal(ask(ANONYMOUS, 'module:publish', helper), 'unauthenticated')
  assert.equal(ask(BOB, 'module:delete', helper), 'not_permitted')
})
