import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkPath } from '@modstead/gomod/path'
import type { Origin } from './origin.ts'
import { createUplinks } from './uplinks.ts'

const origin = (name: string): Origin => ({ name }) as Origin
const ENTRIES = [
  { origin: origin('old'), then: 'any' },
  { origin: origin('new'), then: 'absent' },
] as const
const MODULES = Array.from({ length: 2_000 }, (_, i) => checkPath(`corp.example/team-${i % 40}/module-${i}`))

const firstFor = (weights: Record<string, number>) => {
  const originsFor = createUplinks(ENTRIES, weights)
  return MODULES.map((module) => originsFor(module)[0]!.origin.name)
}

describe('weighted uplinks', () => {
  it('is the list itself without weights, or with one', () => {
    const none: (Record<string, number> | undefined)[] = [undefined, {}, { old: 5 }, { old: 5, new: 0 }]
    for (const weights of none) assert.deepEqual(createUplinks(ENTRIES, weights)(MODULES[0]!), ENTRIES)
  })

  it('shares modules out by weight, the same at every start', () => {
    const first = firstFor({ old: 90, new: 10 })
    const share = first.filter((name) => name === 'new').length / MODULES.length
    assert.ok(share > 0.07 && share < 0.13, `${share} of the modules`)
    assert.deepEqual(firstFor({ old: 90, new: 10 }), first)
    assert.deepEqual(firstFor({ old: 9, new: 1 }), first, 'only the proportion counts')
  })

  it('moves modules only towards the origin whose share grows', () => {
    const few = firstFor({ old: 90, new: 10 })
    const many = firstFor({ old: 50, new: 50 })
    few.forEach((name, i) => name === 'new' && assert.equal(many[i], 'new', MODULES[i]))
  })

  it('keeps the others behind the first, and what separates the places', () => {
    const originsFor = createUplinks(ENTRIES, { old: 50, new: 50 })
    for (const module of MODULES.slice(0, 20)) {
      const order = originsFor(module)
      assert.deepEqual(order.map(({ origin }) => origin.name).sort(), ['new', 'old'])
      assert.deepEqual(
        order.map(({ then }) => then),
        ['any', 'absent'],
      )
    }
  })
})
