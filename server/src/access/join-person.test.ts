import assert from 'node:assert/strict'
import { test } from 'node:test'
import { joinPerson } from './join-person.ts'
import type { People } from './people.ts'

const people: People = {
  find: async (user) =>
    user === 'gone' ? undefined : { groups: ['staff', 'dev'], claims: { gitlab: 'alice.a' } },
}

test('what the directory says of a user holds against what an issuer says', async () => {
  const proven = { id: 'alice', groups: ['dev', 'ops'], claims: { gitlab: 'root', mail: 'a@corp.example' } }
  assert.deepEqual(await joinPerson({ ...proven, kind: 'user', tenant: 'acme', expires: 5 }, people), {
    id: 'alice',
    kind: 'user',
    tenant: 'acme',
    expires: 5,
    groups: ['dev', 'ops', 'staff'],
    claims: { gitlab: 'alice.a', mail: 'a@corp.example' },
    rights: [],
  })
  assert.equal(await joinPerson({ id: 'gone', kind: 'user' }, people), undefined)
})

test('the directory says nothing of services and workloads', async () => {
  const job = await joinPerson({ id: 'gone', kind: 'workload', claims: { gitlab: 'x' } }, people)
  assert.deepEqual(job, { id: 'gone', kind: 'workload', groups: [], claims: { gitlab: 'x' }, rights: [] })
})
