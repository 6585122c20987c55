import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ModsteadError } from '../errors.ts'
import { createSetbacks } from './setbacks.ts'

test('what one origin did is held against no other of the same name, and against none for another realm', () => {
  const setbacks = createSetbacks(() => 0)
  const [acme, beta] = [{ name: 'own' }, { name: 'own' }]
  const wrong = new ModsteadError('checksum_mismatch', 'its hash is another', { incident: 'inc-0000-0001' })
  setbacks.note(acme, 'acme zip corp.example/lib@v1.0.0', wrong)
  assert.equal(setbacks.refusal(acme, 'acme zip corp.example/lib@v1.0.0'), wrong)
  assert.equal(setbacks.refusal(beta, 'acme zip corp.example/lib@v1.0.0'), undefined)
  assert.equal(setbacks.refusal(acme, 'beta zip corp.example/lib@v1.0.0'), undefined)
  const down = new ModsteadError('upstream_unreachable', 'it is down')
  for (let i = 0; i < 10; i++) setbacks.note(acme, `acme zip corp.example/lib@v1.0.${i}`, down)
  assert.ok(setbacks.outage(acme) !== undefined)
  assert.equal(setbacks.outage(beta), undefined)
})
