import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ModsteadError } from '../errors.ts'
import { createRoom } from './quotas.ts'

test('what does not fit into a realm is refused, and realms without a quota have no bound', async () => {
  let used = 60
  let time = 0
  const room = createRoom(new Map([['acme', 100]]), { zipBytes: async () => used }, () => time)
  const full = (error: unknown) => error instanceof ModsteadError && error.code === 'quota_exceeded'
  await room('acme', 0)
  await room('acme', 40)
  await assert.rejects(room('acme', 41), full)
  await room('public', 1e9)
  used = 100
  time += 2_000
  await assert.rejects(room('acme', 0), full)
  await assert.rejects(room('acme', 1), /100 of 100 bytes are used up/)
  await assert.rejects(room('acme', 101), /it is larger than the whole quota of 100 bytes/)
  used = 10
  time += 2_000
  await room('acme', 90)
})
