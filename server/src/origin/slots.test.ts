import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSlots } from './slots.ts'

const never = new AbortController().signal

/** Lets everything that can go on go on. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

test('clients go first, and background work leaves a quarter of the slots to them', async () => {
  const slots = createSlots(4)
  const order: string[] = []
  const frees = new Map<string, () => void>()
  const take = async (name: string, priority: 'client' | 'background'): Promise<void> => {
    frees.set(name, await slots.take(priority, never))
    order.push(name)
  }
  for (const name of ['b1', 'b2', 'b3', 'b4', 'b5']) void take(name, 'background')
  await settle()
  assert.deepEqual(order, ['b1', 'b2', 'b3'])
  for (const name of ['c1', 'c2', 'c3']) void take(name, 'client')
  await settle()
  assert.deepEqual(order, ['b1', 'b2', 'b3', 'c1'])
  frees.get('b1')!()
  frees.get('b1')!()
  await settle()
  assert.deepEqual(order.slice(4), ['c2'], 'a slot freed twice is one slot')
  frees.get('b2')!()
  frees.get('b3')!()
  await settle()
  assert.deepEqual(order.slice(5), ['c3', 'b4'])
})

test('one slot serves everybody in turn', async () => {
  const slots = createSlots(1)
  const free = await slots.take('background', never)
  const client = slots.take('client', never)
  const background = slots.take('background', never)
  free()
  ;(await client)()
  ;(await background)()
})

test('who gives up waiting holds nobody up', async () => {
  const slots = createSlots(2)
  const first = await slots.take('client', never)
  await slots.take('client', never)
  const leaving = new AbortController()
  const left = slots.take('client', leaving.signal)
  const background = slots.take('background', never)
  leaving.abort(new Error('left'))
  await assert.rejects(left, /left/)
  first()
  await background
  await assert.rejects(slots.take('client', AbortSignal.abort(new Error('too late'))), /too late/)
})

test('background work that waited only for a client goes on when that one leaves', async () => {
  const slots = createSlots(4)
  const frees = await Promise.all([1, 2, 3, 4].map(() => slots.take('client', never)))
  const leaving = new AbortController()
  const left = slots.take('client', leaving.signal)
  const background = slots.take('background', never)
  frees[0]!()
  await left
  leaving.abort()
  frees[1]!()
  await background
})

test('background work that a client begins to wait for goes before other background work', async () => {
  const slots = createSlots(1)
  const free = await slots.take('client', never)
  const order: string[] = []
  const promoted = new AbortController()
  const take = async (name: string, promoted?: AbortSignal): Promise<void> => {
    const free = await slots.take('background', never, promoted)
    order.push(name)
    free()
  }
  const first = take('first')
  const second = take('second', promoted.signal)
  promoted.abort()
  free()
  await Promise.all([first, second])
  assert.deepEqual(order, ['second', 'first'])
  const late = await slots.take('background', never, AbortSignal.abort())
  late()
})
