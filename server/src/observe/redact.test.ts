import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ModsteadError } from '../errors.ts'
import { redactFields, redactText } from './redact.ts'

const texts: [text: string, expected: string][] = [
  ['GET https://proxy.golang.org/x/@v/list', 'GET https://proxy.golang.org/x/@v/list'],
  ['GET https://u:p@host/x/@v/list', 'GET https://(hidden)@host/x/@v/list'],
  ['https://token@host and http://a:b@c:80', 'https://(hidden)@host and http://(hidden)@c:80'],
  ['https://u:p@ss@host/x', 'https://(hidden)@host/x'],
  ['authorization: Basic dTpw', 'authorization: (hidden)'],
  ['{"Authorization":"Bearer abc.def"}', '{"Authorization":"(hidden)"}'],
  ['Proxy-Authorization=Basic dTpw next', 'Proxy-Authorization=(hidden) next'],
  ['example.com/m@v1.2.3', 'example.com/m@v1.2.3'],
]

test('credentials in texts', () => {
  for (const [text, expected] of texts) assert.equal(redactText(text), expected)
})

test('credentials in fields, by name and by form, at any depth', () => {
  const fields = {
    url: new URL('https://u:hunter2@host/'),
    headers: { Authorization: 'hunter2', cookie: 'hunter2', 'user-agent': 'go' },
    list: [{ password: 'hunter2' }, 'https://hunter2@host'],
    map: new Map([['token', 'hunter2']]),
    apiToken: 'hunter2',
    credentials: { kind: 'basic', password: 'hunter2' },
    error: new Error('at https://u:hunter2@host', { cause: new Error('https://hunter2@host') }),
  }
  const text = JSON.stringify(redactFields(fields))
  assert.ok(!text.includes('hunter2'), text)
  assert.ok(text.includes('"user-agent":"go"'))
})

test('errors: foreseen ones without a stack, defects with one', () => {
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
  const foreseen = new ModsteadError('upstream_unreachable', 'cannot reach a', {
    next: 'wait',
    origin: 'a',
    cause,
  })
  assert.deepEqual(redactFields({ error: foreseen }), {
    error: {
      code: 'upstream_unreachable',
      message: 'cannot reach a',
      next: 'wait',
      origin: 'a',
      cause: { code: 'ECONNREFUSED', message: 'refused' },
    },
  })
  const defect = redactFields({ err: new TypeError('oops') }).error as Record<string, string>
  assert.equal(defect.code, 'TypeError')
  assert.match(defect.stack!, /redact\.test\.ts/)
})

test('values that JSON cannot hold, and too much of everything', () => {
  const loop: Record<string, unknown> = { n: 1n, f() {}, s: Symbol('s'), b: Buffer.from('abc'), u: undefined }
  loop.loop = loop
  loop.long = 'x'.repeat(10_000)
  loop.many = Array.from({ length: 1000 }, (_, index) => index)
  const text = JSON.stringify(redactFields(loop))
  assert.match(text, /"n":"1","f":"\(function\)","s":"Symbol\(s\)","b":"\(3 bytes\)"/)
  assert.ok(text.length < 50_000)
})
