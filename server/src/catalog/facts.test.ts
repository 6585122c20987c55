import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { VersionFacts } from '../proxy/catalog.ts'
import { addFacts } from './facts.ts'
import { someHash } from '../observe/test-support.ts'
import { someSha256 } from './test-support.ts'

const [one, two] = [someHash('one'), someHash('two')]
const [a, b] = [someSha256('a'), someSha256('b')]

const rows: {
  name: string
  known: VersionFacts
  facts: VersionFacts
  sum: VersionFacts | undefined | 'mismatch'
}[] = [
  { name: 'nothing to nothing', known: {}, facts: {}, sum: undefined },
  {
    name: 'the same again',
    known: { h1: one, info: true, zipSize: 1 },
    facts: { h1: one, info: true, zipSize: 1 },
    sum: undefined,
  },
  { name: 'a first hash', known: { goModH1: two }, facts: { h1: one }, sum: { goModH1: two, h1: one } },
  { name: 'another zip hash', known: { h1: one }, facts: { h1: two }, sum: 'mismatch' },
  {
    name: 'another go.mod hash',
    known: { goModH1: one, h1: one },
    facts: { goModH1: two, h1: one },
    sum: 'mismatch',
  },
  { name: 'another time', known: { time: 'x' }, facts: { time: 'y' }, sum: undefined },
  {
    name: 'another origin and a proof',
    known: { origin: 'x' },
    facts: { origin: 'y', provenBy: 'z' },
    sum: { origin: 'x', provenBy: 'z' },
  },
  { name: 'that an info is there', known: {}, facts: { info: true }, sum: { info: true } },
  { name: 'that an info is not there', known: { info: true }, facts: { info: false }, sum: undefined },
  {
    name: 'other stored bytes',
    known: { zipSize: 1, zipSha256: a },
    facts: { zipSize: 2, zipSha256: b },
    sum: { zipSize: 2, zipSha256: b },
  },
  {
    name: 'a size of other stored bytes',
    known: { zipSize: 1, zipSha256: a },
    facts: { zipSize: 2 },
    sum: { zipSize: 2 },
  },
  {
    name: 'another digest of the same size',
    known: { zipSize: 1, zipSha256: a },
    facts: { zipSha256: b },
    sum: { zipSize: 1, zipSha256: b },
  },
  {
    name: 'a digest that was missing',
    known: { zipSize: 1 },
    facts: { zipSize: 1, zipSha256: b },
    sum: { zipSize: 1, zipSha256: b },
  },
]

describe('adding facts', () => {
  for (const { name, known, facts, sum } of rows) {
    it(name, () => {
      if (sum !== 'mismatch') return assert.deepEqual(addFacts(known, facts, 'm@v'), sum)
      return assert.throws(() => addFacts(known, facts, 'm@v'), { code: 'checksum_mismatch', message: /m@v/ })
    })
  }

  const anyFacts = fc.record(
    {
      h1: fc.constantFrom(one, two),
      goModH1: fc.constantFrom(one, two),
      zipSize: fc.constantFrom(1, 2),
      zipSha256: fc.constantFrom(a, b),
      info: fc.boolean(),
      time: fc.constantFrom('x', 'y'),
      origin: fc.constantFrom('x', 'y'),
      provenBy: fc.constantFrom('x', 'y'),
      commit: fc.constantFrom('c1', 'c2'),
    },
    { requiredKeys: [] },
  )

  it('never changes a hash or a commit, and has nothing new to say a second time', () => {
    fc.assert(
      fc.property(anyFacts, anyFacts, (known, facts) => {
        let sum: VersionFacts
        const differ = (field: 'h1' | 'goModH1' | 'commit') =>
          known[field] !== undefined && facts[field] !== undefined && known[field] !== facts[field]
        try {
          sum = addFacts(known, facts, 'm@v') ?? known
        } catch {
          assert.ok(differ('h1') || differ('goModH1') || differ('commit'))
          return
        }
        assert.equal(sum.h1, known.h1 ?? facts.h1)
        assert.equal(sum.goModH1, known.goModH1 ?? facts.goModH1)
        assert.equal(sum.commit, known.commit ?? facts.commit)
        assert.equal(addFacts(sum, facts, 'm@v'), undefined)
      }),
    )
  })
})
