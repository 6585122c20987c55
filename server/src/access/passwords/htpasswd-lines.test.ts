import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readHtpasswd, userNameProblem, withoutUser, withPassword } from './htpasswd-lines.ts'

const HASH = `$2y$05$${'a'.repeat(53)}`
const OTHER = `$2y$06$${'b'.repeat(53)}`

test('a password comes into its line, or to the end', () => {
  const cases: [before: string, after: string][] = [
    ['', `alice:${HASH}\n`],
    ['# people\n', `# people\nalice:${HASH}\n`],
    ['bob:x', `bob:x\nalice:${HASH}\n`],
    ['bob:x\r\n', `bob:x\r\nalice:${HASH}\r\n`],
    ['bob:x\r\neve:y', `bob:x\r\neve:y\r\nalice:${HASH}\r\n`],
    ['alice:old\nbob:x\n', `alice:${HASH}\nbob:x\n`],
    ['alice:old\r\nbob:x\n', `alice:${HASH}\r\nbob:x\n`],
    ['bob:x\nalice:old', `bob:x\nalice:${HASH}`],
    // The last one counts: one that stayed would count again once that is gone.
    ['alice:one\nbob:x\nalice:two\n', `bob:x\nalice:${HASH}\n`],
    ['#alice:old\nalicee:x\nAlice:y\n alice:z\n', `#alice:old\nalicee:x\nAlice:y\n alice:z\nalice:${HASH}\n`],
  ]
  for (const [before, after] of cases)
    assert.equal(withPassword(Buffer.from(before), 'alice', HASH).toString(), after, JSON.stringify(before))
})

test('a name is one name in each of its normal forms', () => {
  const [composed, decomposed] = ['Jürgen'.normalize('NFC'), 'Jürgen'.normalize('NFD')]
  const file = Buffer.from(`${decomposed}:old\nbob:x\n`)
  assert.equal(withPassword(file, composed, HASH).toString(), `${composed}:${HASH}\nbob:x\n`)
  assert.equal(withoutUser(file, composed)?.toString(), 'bob:x\n')
})

test('nobody of that name is nothing to remove', () => {
  assert.equal(withoutUser(Buffer.from('bob:x\n# alice:y\n'), 'alice'), undefined)
  assert.equal(withoutUser(Buffer.from('alice:x\nalice:y'), 'alice')?.toString(), '')
})

/** Lines of an odd file: any bytes, names that look alike, comments, several ends. */
const oddLine = fc.oneof(
  fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 10))),
  fc
    .constantFrom(
      '# alice:x',
      'alicee:x',
      'Alice:x',
      ' alice:x',
      ':x',
      'alice',
      `bob:${OTHER}`,
      '',
      '\u{FEFF}eve:x',
    )
    .map((text) => Buffer.from(text)),
)
const oddFile = fc
  .array(fc.tuple(oddLine, fc.constantFrom('\n', '\r\n')), { maxLength: 12 })
  .map((lines) => lines.map(([line, end]) => Buffer.concat([line, Buffer.from(end)])))
const names = fc.constantFrom('alice', 'jürgen', 'a.b@corp.example', '$x')
const isOf = (line: Buffer, name: string) => line.indexOf(`${name}:`) === 0

test('all that is not of the user stays byte for byte', () => {
  const property = fc.property(oddFile, names, fc.nat(12), fc.boolean(), (lines, name, at, there) => {
    const others = lines.filter((line) => !isOf(line, name))
    const own = Buffer.from(`${name}:old\n`)
    const before = Buffer.concat(there ? others.toSpliced(at, 0, own) : others)
    const after = withPassword(before, name, HASH)
    assert.deepEqual(withoutUser(after, name), Buffer.concat(others))
    assert.deepEqual(withPassword(after, name, HASH), after)
    const found = readHtpasswd(after.toString()).filter((line) => 'user' in line && line.user === name)
    assert.deepEqual(
      found.map((line) => 'text' in line && line.text),
      [HASH],
    )
  })
  fc.assert(property, { numRuns: 500 })
})

test('names that a line, HTTP Basic or a binding cannot have', () => {
  const cases: [name: string, problem: RegExp | undefined][] = [
    ['alice', undefined],
    ['a.b@corp.example', undefined],
    ['Jürgen', undefined],
    ['x'.repeat(256), undefined],
    ['', /empty/],
    ['x'.repeat(257), /256/],
    ['a:b', /colon/],
    ['a b', /spaces/],
    ['a\nroot:x', /colon|control/],
    ['a\nb', /control/],
    ['a\u{85}b', /control/],
    ['a\u{2028}b', /spaces/],
    ['#a', /comments/],
    ['__token__', /tokens/],
    ['Jürgen'.normalize('NFD'), /normal form/],
    ['\u{FFFD}', /UTF-8/],
    ['\u{D800}', /UTF-8/],
  ]
  for (const [name, problem] of cases) {
    const found = userNameProblem(name)
    assert.ok(problem === undefined ? found === undefined : problem.test(found ?? ''), `${name}: ${found}`)
  }
})
