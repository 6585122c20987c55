import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Principal } from './principal.ts'
import { refusal } from './refusals.ts'

const ANN: Principal = { kind: 'user', id: 'ann', groups: [], claims: {}, rights: [] }

test('a token that was narrowed is what may not, and not its user', () => {
  const limited: Principal = { ...ANN, limit: { permissions: ['module:read'] } }
  const told = (who: Principal) =>
    refusal('not_permitted', who, 'module:publish', 'a.example/b', false).message
  assert.equal(told(ANN), 'the user ann may not publish')
  assert.equal(told(limited), 'the user ann may not publish with this token: it was narrowed to module:read')
  const reading = refusal('not_permitted', limited, 'module:read', 'a.example/b', false)
  assert.equal(reading.message, 'the user ann may not read a.example/b')
})

test('a line of netrc is named with the port, where that is another than 443', () => {
  const told = (host?: string) =>
    refusal('unauthenticated', ANN, 'module:read', 'a.example/b', false, host).next
  assert.match(told('localhost:17443')!, /~\/\.netrc \(machine localhost:17443 login USER password TOKEN\)/)
  for (const host of [undefined, 'go.corp.example', 'go.corp.example:443', 'x"\n:8080', 'a b:8080'])
    assert.match(told(host)!, /in ~\/\.netrc or by GOAUTH/, host)
})
