import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatList, mergeLists, parseOwnList } from './merge-lists.ts'

const list = (...versions: string[]) => versions.map((version) => ({ version }))
const stored = async (version: string) => version !== 'v1.1.0'

describe('merging the lists of a module', () => {
  it('keeps the origin’s order, and what is stored behind it', async () => {
    const merged = await mergeLists(
      list('v1.0.0', 'v1.1.0', 'v1.2.0'),
      list('v2.0.0', 'v1.0.0', 'v0.1.0'),
      stored,
    )
    assert.deepEqual(merged.versions, list('v2.0.0', 'v1.0.0', 'v0.1.0', 'v1.2.0'))
    assert.deepEqual(merged.gone, ['v1.2.0'], 'v1.1.0 is not stored: nobody could have it')
  })

  it('is empty when nothing is left', async () => {
    assert.deepEqual(await mergeLists(list('v1.1.0'), [], stored), { versions: [], gone: [] })
  })

  it('reads back what it writes, times included', () => {
    const versions = [{ version: 'v1.0.0', time: '2020-01-02T03:04:05Z' }, { version: 'v1.1.0' }]
    assert.equal(formatList(versions).toString(), 'v1.0.0 2020-01-02T03:04:05Z\nv1.1.0\n')
    assert.deepEqual(parseOwnList(formatList(versions)), versions)
    assert.deepEqual(parseOwnList(Buffer.alloc(0)), [])
  })
})
