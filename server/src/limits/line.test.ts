import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLine } from './line.ts'

test('clients have their turns one after the other, however many places they have', () => {
  const line = createLine<{ client: string; n: number }>(100)
  for (let n = 0; n < 50; n++) line.add({ client: 'flood', n })
  const late = { client: 'late', n: 0 }
  line.add(late)
  line.add({ client: 'late', n: 1 })
  line.add({ client: 'third', n: 0 })
  const order = Array.from({ length: 6 }, () => line.next()!).map(({ client, n }) => `${client} ${n}`)
  assert.deepEqual(order, ['flood 0', 'late 0', 'third 0', 'flood 1', 'late 1', 'flood 2'])
  assert.equal(line.size, 47)
})

test('who leaves is passed over, and one client has a bounded number of places', () => {
  const line = createLine<{ client: string }>(2)
  const [a, b] = [{ client: 'a' }, { client: 'a' }]
  assert.ok(line.add(a) && line.add(b) && !line.add({ client: 'a' }))
  assert.ok(line.add({ client: 'b' }))
  line.remove(a)
  line.remove(a)
  assert.equal(line.size, 2)
  assert.equal(line.next(), b)
  assert.equal(line.next()?.client, 'b')
  assert.equal(line.next(), undefined)
})
