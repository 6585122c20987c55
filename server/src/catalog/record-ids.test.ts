import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { MAX_ACT_ID, MAX_INCIDENT_ID, nextActId, nextIncidentId } from './record-ids.ts'

describe('ids of records', () => {
  it('begin in 2025, and last for thirty years', () => {
    assert.equal(nextIncidentId(Date.UTC(2025, 0), undefined), 'inc-0000-0000')
    assert.equal(nextIncidentId(Date.UTC(2025, 0, 1, 0, 0, 1), undefined), 'inc-0000-0100')
    assert.equal(nextIncidentId(0, undefined), 'inc-0000-0000', 'a clock that is wrong is no reason to fail')
    assert.match(nextIncidentId(Date.UTC(2055, 0), undefined), /^inc-[0-9a-z]{4}-[0-9a-z]{4}$/)
  })

  it('grow, whatever the clock does', () => {
    const times = fc.array(fc.integer({ min: Date.UTC(2024, 0), max: Date.UTC(2050, 0) }), {
      minLength: 2,
      maxLength: 40,
    })
    fc.assert(
      fc.property(times, (clock) => {
        let last: string | undefined
        for (const now of clock) {
          const id = nextIncidentId(now, last)
          assert.match(id, /^inc-[0-9a-hjkmnp-tv-z]{4}-[0-9a-hjkmnp-tv-z]{4}$/)
          assert.ok((last === undefined || id > last) && id < MAX_INCIDENT_ID)
          last = id
        }
      }),
    )
  })

  it('are of acts as of incidents, each kind counted for itself', () => {
    const now = Date.UTC(2026, 0)
    const [first, second] = [nextActId(now, undefined), nextActId(now, nextActId(now, undefined))]
    assert.equal(first.replace('act-', 'inc-'), nextIncidentId(now, undefined))
    assert.ok(first < second && second < MAX_ACT_ID)
  })

  it('count within a second', () => {
    const now = Date.UTC(2026, 0)
    const ids = [nextIncidentId(now, undefined)]
    for (let i = 0; i < 3_000; i++) ids.push(nextIncidentId(now, ids.at(-1)))
    assert.deepEqual(ids, [...new Set(ids)].toSorted())
  })

  it('are not made from what is none', () => {
    for (const last of ['', 'inc-0000', 'inc-000i-0000', 'INC-0000-0000', 'inc-0000-00000']) {
      assert.throws(() => nextIncidentId(0, last), TypeError)
    }
  })
})
