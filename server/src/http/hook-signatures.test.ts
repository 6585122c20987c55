import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import type { HookConfig } from '../config/config.ts'
import { signatureProblem, signGeneric, TOLERANCE } from './hook-signatures.ts'

const NOW = Date.UTC(2024, 4, 6, 7, 8, 9)
const SECONDS = NOW / 1000

function problem(
  type: HookConfig['type'],
  secret: string,
  headers: IncomingHttpHeaders,
  body = '{"ref":"x"}',
  now = NOW,
): string | undefined {
  return signatureProblem({ name: 'h', type, secret }, { headers, body: Buffer.from(body), now })
}

function hex(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text).digest('hex')
}

suite('published examples', () => {
  test('of GitHub', () => {
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
    const headers = { 'x-hub-signature-256': signature }
    const secret = "It's a Secret to Everybody"
    assert.equal(problem('github', secret, headers, 'Hello, World!'), undefined)
    assert.match(problem('github', secret, headers, 'Hello, World.')!, /signature/)
  })

  test('of Standard Webhooks, which GitLab follows', () => {
    const headers = {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    }
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
    const body = '{"test": 2432232314}'
    const at = 1_614_265_330_000
    assert.equal(problem('gitlab', secret, headers, body, at), undefined)
    const two = { ...headers, 'webhook-signature': `v1a,x v1,AAAA ${headers['webhook-signature']}` }
    assert.equal(problem('gitlab', secret, two, body, at), undefined)
    assert.match(problem('gitlab', secret, headers, body, at + TOLERANCE + 1)!, /time/)
    assert.match(problem('gitlab', secret, { ...headers, 'webhook-id': 'other' }, body, at)!, /signature/)
    // The plain token is not taken where signatures are set up.
    assert.match(problem('gitlab', secret, { 'x-gitlab-token': secret }, body, at)!, /not signed/)
  })
})

test('right and wrong, by type', () => {
  const body = '{"ref":"x"}'
  const right = hex('s3cret', body)
  const rows: [type: HookConfig['type'], headers: IncomingHttpHeaders, problem: RegExp | undefined][] = [
    ['gitlab', { 'x-gitlab-token': 's3cret' }, undefined],
    ['gitlab', { 'x-gitlab-token': 's3cret2' }, /token is not the one/],
    ['gitlab', { 'x-gitlab-token': '' }, /token is not the one/],
    ['gitlab', { 'x-gitlab-token': 's3cret, s3cret' }, /token is not the one/],
    ['gitlab', {}, /no header X-Gitlab-Token/],
    ['github', { 'x-hub-signature-256': `sha256=${right}` }, undefined],
    ['github', { 'x-hub-signature-256': right }, /signature is not/],
    ['github', { 'x-hub-signature-256': `sha1=${right}` }, /signature is not/],
    ['github', { 'x-hub-signature-256': `sha256=${right.slice(1)}` }, /signature is not/],
    ['github', { 'x-hub-signature-256': `sha256=${hex('other', body)}` }, /signature is not/],
    ['github', { 'x-hub-signature': `sha1=${right}` }, /not signed/],
    ['github', { 'x-gitlab-token': 's3cret' }, /not signed/],
    ['gitea', { 'x-gitea-signature': right }, undefined],
    ['gitea', { 'x-forgejo-signature': right }, undefined],
    ['gitea', { 'x-forgejo-signature': right.toUpperCase() }, undefined],
    ['gitea', { 'x-forgejo-signature': 'x', 'x-gitea-signature': right }, /signature is not/],
    ['gitea', { 'x-gitea-signature': `${right}, ${right}` }, /signature is not/],
    ['gitea', {}, /not signed/],
    ['generic', {}, /not signed/],
    ['generic', { 'modstead-signature': right }, /signature is not/],
    ['generic', { 'modstead-signature': `t=${SECONDS},v1=${right}` }, /signature is not/],
  ]
  for (const [type, headers, expected] of rows) {
    const found = problem(type, 's3cret', headers, body)
    if (expected === undefined) assert.equal(found, undefined, JSON.stringify(headers))
    else assert.match(found ?? '', expected, `${type} ${JSON.stringify(headers)}`)
  }
})

suite('the generic form', () => {
  const body = '{"repository":"a/b"}'
  const check = (signature: string, now = NOW) =>
    problem('generic', 's3cret', { 'modstead-signature': signature }, body, now)

  test('is what `openssl dgst -sha256 -hmac` makes of the time, a dot and the body', () => {
    assert.equal(
      signGeneric('s3cret', SECONDS, body),
      `t=${SECONDS},v1=${hex('s3cret', `${SECONDS}.${body}`)}`,
    )
    assert.equal(check(signGeneric('s3cret', SECONDS, body)), undefined)
  })

  test('grows old, both ways', () => {
    const signature = signGeneric('s3cret', SECONDS, body)
    for (const off of [-TOLERANCE, -1, 0, 1, TOLERANCE]) assert.equal(check(signature, NOW + off), undefined)
    for (const off of [-TOLERANCE - 1, TOLERANCE + 1, 1e12])
      assert.match(check(signature, NOW + off)!, /time/)
  })

  test('may hold several signatures, while a secret changes', () => {
    const [time, v1] = signGeneric('s3cret', SECONDS, body).split(',')
    const other = hex('other', `${SECONDS}.${body}`)
    assert.equal(check(`${time}, v1=${other}, ${v1}`), undefined)
    assert.match(check(`${time},v1=${other}`)!, /signature is not/)
    const many = Array.from({ length: 8 }, () => `v1=${other}`).join(',')
    assert.match(check(`${time},${many},${v1}`)!, /signature is not/)
  })

  test('has one time, and a time at all', () => {
    const [, v1] = signGeneric('s3cret', SECONDS, body).split(',')
    for (const times of ['', `t=${SECONDS},t=${SECONDS},`, `t=${SECONDS + 1},`, 't=,', `t=0${SECONDS},`])
      assert.match(check(times + v1)!, /signature is not/, times)
    const odd = `t=x,v1=${hex('s3cret', `x.${body}`)}`
    assert.match(check(odd)!, /time/)
  })
})

test('no header makes a wrong body right, and none throws', () => {
  const names = `x-gitlab-token webhook-id webhook-timestamp webhook-signature x-hub-signature-256
    x-gitea-signature x-forgejo-signature modstead-signature`.split(/\s+/)
  const value = fc.oneof(
    fc.string(),
    fc.stringMatching(/^(?:sha256=)?[0-9a-f]{60,68}$/),
    fc.stringMatching(/^t=\d{1,12},v1=[0-9a-f]{64}$/),
    fc.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/),
  )
  const types = fc.constantFrom<HookConfig['type']>('gitlab', 'github', 'gitea', 'generic')
  fc.assert(
    fc.property(types, fc.dictionary(fc.constantFrom(...names), value), (type, headers) => {
      for (const secret of ['a secret nobody guesses', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])
        assert.ok(problem(type, secret, headers) !== undefined)
    }),
    { numRuns: 500 },
  )
})
