import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import test from 'node:test'
import fc from 'fast-check'
import { ModsteadError, type ErrorCode } from '../errors.ts'
import { errorsPage } from './errors-page.ts'
import { MEANINGS, MOST_BYTES, refusalFor } from './statuses.ts'

const CODES = Object.keys(MEANINGS) as ErrorCode[]

test('only absence is 404, and nothing else lets go on to the next proxy', () => {
  const absent = CODES.filter((code) => [404, 410].includes(MEANINGS[code].status))
  assert.deepEqual(absent.sort(), ['deleted', 'no_endpoint', 'not_found', 'not_stored'])
  for (const code of CODES) assert.ok(MEANINGS[code].status >= 400, code)
})

const STATUSES: [ErrorCode, number][] = [
  ['bad_path', 400],
  ['private_name', 403],
  ['method_not_allowed', 405],
  ['unauthenticated', 401],
  ['not_permitted', 403],
  ['publish_disabled', 403],
  ['version_conflict', 409],
  ['deleted', 410],
  ['payload_too_large', 413],
  ['bad_zip', 422],
  ['uri_too_long', 414],
  ['headers_too_large', 431],
  ['internal', 500],
  ['checksum_mismatch', 502],
  ['checksum_missing', 502],
  ['upstream_unreachable', 502],
  ['upstream_refused', 502],
  ['checksum_unavailable', 503],
  ['store_unavailable', 503],
  ['shutting_down', 503],
  ['upstream_timeout', 504],
  ['loop', 508],
]

test('statuses of codes', () => {
  for (const [code, status] of STATUSES) assert.equal(refusalFor(new ModsteadError(code, 'x')).status, status)
})

test('a refusal says cause, next step and incident, and carries its headers', () => {
  const error = new ModsteadError('checksum_mismatch', 'the zip differs', {
    next: 'tell someone',
    incident: 'i-7',
  })
  const { body, headers } = refusalFor(error)
  assert.equal(body, 'the zip differs\ntell someone\nIncident: i-7\n')
  assert.equal(header(headers, 'Content-Type'), 'text/plain; charset=utf-8')
  assert.equal(header(headers, 'Content-Length'), String(body.length))
  assert.equal(header(headers, 'Cache-Control'), 'no-store')
  assert.equal(header(headers, 'Allow'), undefined)
  assert.equal(header(refusalFor(new ModsteadError('shutting_down', 'x')).headers, 'Retry-After'), '5')
  assert.equal(header(refusalFor(new ModsteadError('method_not_allowed', 'x')).headers, 'Allow'), 'GET, HEAD')
})

test('what is no ModsteadError keeps its message to itself', () => {
  for (const error of [new Error('secret'), 'secret', undefined, new ModsteadError('internal', 'secret')]) {
    const { status, body } = refusalFor(error)
    assert.equal(status, 500)
    assert.doesNotMatch(body, /secret/)
    assert.match(body, /^This server failed.*\nAsk again.*\n$/)
  }
})

test('what comes from outside is made fit for a terminal', () => {
  const { body } = refusalFor(
    new ModsteadError('not_found', 'a\u001b[31m\nb\r\n\r\n c\0\u202ed \ud800', { next: 'n\n\n' }),
  )
  assert.equal(body, 'a?[31m b c??d \ufffd\nn\n')
})

test('go shows every refusal whole', () => {
  const text = fc.string({ unit: 'binary', maxLength: 900 })
  fc.assert(
    fc.property(
      fc.constantFrom(...CODES),
      text,
      fc.option(text),
      fc.option(text),
      (code, message, next, incident) => {
        const error = new ModsteadError(code, message, {
          ...(next !== null && { next }),
          ...(incident !== null && { incident }),
        })
        const { body, headers } = refusalFor(error)
        const lines = body.split('\n')
        assert.equal(lines.pop(), '')
        assert.ok(lines.length <= 8)
        assert.ok(
          lines.every((line) => /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$/u.test(line)),
          JSON.stringify(body),
        )
        assert.ok(Buffer.byteLength(body) + lines.length <= MOST_BYTES)
        assert.equal(header(headers, 'Content-Length'), String(Buffer.byteLength(body)))
      },
    ),
  )
})

test('a long cause is cut, the next step and the incident are not', () => {
  const error = new ModsteadError('not_found', 'ü'.repeat(2000), { next: 'do this', incident: 'i-1' })
  assert.match(refusalFor(error).body, /^ü+\.\.\.\ndo this\nIncident: i-1\n$/)
})

test('docs/errors.md is the page made of this list, with every code on it', async () => {
  const page = await readFile(new URL('../../../docs/errors.md', import.meta.url), 'utf8')
  assert.equal(page, errorsPage(), 'write it anew: npm run docs')
  for (const code of CODES) assert.ok(page.includes(`\n## \`${code}\`\n`), code)
})

function header(headers: readonly string[], name: string): string | undefined {
  const at = headers.findIndex((value, i) => i % 2 === 0 && value === name)
  return at < 0 ? undefined : headers[at + 1]
}
