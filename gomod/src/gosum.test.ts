import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hashGoMod } from './dirhash.ts'
import { formatGoSumLine, MAX_GO_SUM_PROBLEMS, parseGoSum } from './gosum.ts'

const H1 = `h1:${'A'.repeat(43)}=`
const OTHER = `h1:${'B'.repeat(42)}A=`

test('lines of zips and of go.mod files', () => {
  const text = `rsc.io/quote v1.5.2 ${H1}\nrsc.io/quote v1.5.2/go.mod ${OTHER}\n`
  const { lines, problems } = parseGoSum(text)
  assert.deepEqual(problems, [])
  assert.deepEqual(lines, [
    { line: 1, path: 'rsc.io/quote', version: 'v1.5.2', of: 'zip', hash: H1 },
    { line: 2, path: 'rsc.io/quote', version: 'v1.5.2', of: 'go.mod', hash: OTHER },
  ])
  assert.equal(lines.map((line) => `${formatGoSumLine(line)}\n`).join(''), text)
})

/** What one line is: a line that counts, one that `go` passes over, or a problem. */
const cases: [line: string, expected: 'counts' | 'nothing' | RegExp][] = [
  [`a.example v1.0.0 ${H1}`, 'counts'],
  [`\t a.example\u00a0\u2003v1.0.0\v${H1} \r`, 'counts'],
  [`a.example v2.0.0+incompatible ${H1}`, 'counts'],
  ['', 'nothing'],
  [' \t\r', 'nothing'],
  ['a.example v1.0.0 h2:anything', 'nothing'],
  [`a.example v1.0.0/go.mod ${hashGoMod(new Uint8Array())}`, 'nothing'],
  ['<<<<<<< HEAD', /^has 2 words, not 3: `go` refuses the file$/],
  ['=======', /^has 1 words/],
  [`a.example v1.0.0 ${H1} ${H1} ${H1}`, /^has more than 3 words/],
  [
    `A_\u0007.example/\u001b[31m v1.0.0 ${H1}`,
    /^is about "A_\\a.example\/\\x1b\[31m", which is not a module/,
  ],
  [`\ufeffa.example v1.0.0 ${H1}`, /not a module path/],
  [`../etc v1.0.0 ${H1}`, /not a module path/],
  [`a.example v1.0 ${H1}`, /^is about "v1.0", which is not a version that a.example can have$/],
  [`a.example v2.0.0 ${H1}`, /"v2.0.0", which is not a version/],
  [`a.example v1.0.0/../x ${H1}`, /not a version/],
  ['a.example v1.0.0 h1:AAAA', /^has "h1:AAAA", which is not a whole h1 hash$/],
]

test('what each line is', () => {
  for (const [line, expected] of cases) {
    const { lines, problems } = parseGoSum(`\n${line}\n`)
    assert.equal(lines.length, expected === 'counts' ? 1 : 0, line)
    assert.equal(problems.length, expected instanceof RegExp ? 1 : 0, line)
    if (!(expected instanceof RegExp)) continue
    assert.match(problems[0]!.message, expected)
    assert.equal(problems[0]!.line, 2)
  }
})

test('the first of several hashes is the one that counts', () => {
  const text = `a.example v1.0.0 ${H1}\na.example v1.0.0 ${H1}\na.example v1.0.0 ${OTHER}`
  const { lines, problems } = parseGoSum(text)
  assert.deepEqual(
    lines.map(({ line, hash }) => [line, hash]),
    [[1, H1]],
  )
  assert.deepEqual(problems, [
    { line: 3, message: 'contradicts line 1, which has another hash of the same: `go` heeds that one' },
  ])
})

test('garbage costs time in proportion, and few words', () => {
  const many = parseGoSum('x\n'.repeat(1_000_000))
  assert.equal(many.problems.length, MAX_GO_SUM_PROBLEMS)
  assert.equal(many.moreProblems, 1_000_000 - MAX_GO_SUM_PROBLEMS)
  for (const long of ['x'.repeat(10_000_000), ' '.repeat(10_000_000), 'x '.repeat(5_000_000)])
    for (const { message } of parseGoSum(`${long} v1.0.0 ${H1}`).problems) assert.ok(message.length < 300)
})

test('no text makes it throw, or print a control character', () => {
  const word = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('a.example', 'v1.0.0', H1, OTHER, '\n'),
  )
  fc.assert(
    fc.property(fc.array(word), (words) => {
      for (const { message } of parseGoSum(words.join(' ')).problems)
        assert.doesNotMatch(message, /[\u0000-\u001f\u007f-\u009f]/)
    }),
  )
})
