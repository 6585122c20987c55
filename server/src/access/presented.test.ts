import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import { test } from 'node:test'
import { ModsteadError } from '../errors.ts'
import { type Presented, presentedIn } from './presented.ts'

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

test('what a request presents, however it is written', () => {
  const cases: [headers: IncomingHttpHeaders, presented: Presented | undefined][] = [
    [{}, undefined],
    [{ authorization: 'Bearer abc' }, { secret: 'abc' }],
    [{ authorization: 'bearer   abc ' }, { secret: 'abc' }],
    [{ authorization: basic('alice:pa:ss') }, { user: 'alice', secret: 'pa:ss' }],
    [{ authorization: basic('álice:пароль') }, { user: 'álice', secret: 'пароль' }],
    [{ authorization: basic('__token__:abc') }, { secret: 'abc' }],
    [{ authorization: basic(':abc') }, { secret: 'abc' }],
    [{ 'x-auth-token': ' abc' }, { secret: 'abc' }],
    [{ authorization: `Bearer ${'t'.repeat(8192)}` }, { secret: 't'.repeat(8192) }],
  ]
  for (const [headers, presented] of cases)
    assert.deepEqual(presentedIn(headers), presented, JSON.stringify(headers).slice(0, 80))
})

test('what proves nobody, and is never repeated', () => {
  const cases: [headers: IncomingHttpHeaders, code: string][] = [
    [{ authorization: '' }, 'unauthenticated'],
    [{ authorization: 'Bearer' }, 'unauthenticated'],
    [{ authorization: 'Bearer ' }, 'unauthenticated'],
    [{ authorization: 'HUSH-HUSH' }, 'unauthenticated'],
    [{ authorization: 'Bearer HUSH HUSH' }, 'unauthenticated'],
    [{ authorization: 'Digest HUSH' }, 'unauthenticated'],
    [{ authorization: basic('HUSH') }, 'unauthenticated'],
    [{ authorization: basic('HUSH:') }, 'unauthenticated'],
    [{ authorization: 'Basic ====' }, 'unauthenticated'],
    [{ authorization: basic('HUSH\r\nX-Admin: 1:x') }, 'unauthenticated'],
    [{ authorization: basic('HUSH\0:x') }, 'unauthenticated'],
    [{ authorization: basic(`${'u'.repeat(257)}:HUSH`) }, 'unauthenticated'],
    [{ authorization: `Bearer ${'t'.repeat(8193)}` }, 'unauthenticated'],
    [{ 'x-auth-token': '' }, 'unauthenticated'],
    [{ 'x-auth-token': 'HUSH, HUSH' }, 'bad_request'],
    [{ 'x-auth-token': 'HUSH', authorization: 'Bearer HUSH' }, 'bad_request'],
  ]
  for (const [headers, code] of cases)
    assert.throws(
      () => presentedIn(headers),
      (error) =>
        error instanceof ModsteadError &&
        error.code === code &&
        !`${error.message} ${error.next}`.includes('HUSH'),
      JSON.stringify(headers).slice(0, 80),
    )
})
