import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { peopleOf } from '../../access/people.ts'
import { ModsteadError } from '../../errors.ts'
import { createBrowserDoor } from './browser-door.ts'
import { cookieIn, cookieNames, setCookie } from './cookies.ts'
import { checkOrigin } from './same-origin.ts'

const SECRET = 'A'.repeat(43)
const account = { id: 'alice', groups: ['team-a'], claims: {} }

/** A request as far as the door looks at it. */
function request(method: string, headers: Record<string, string>, encrypted = true): IncomingMessage {
  return {
    method,
    headers: { host: 'go.corp.example', ...headers },
    socket: encrypted ? { encrypted } : {},
  } as never
}

function open(scope = '') {
  return createBrowserDoor({
    addressFor: () => 'https://go.corp.example',
    scope,
    desk: {
      people: peopleOf(new Map([['alice', ['local']]])),
      browsers: {
        find: async (secret) =>
          secret === SECRET
            ? { id: 's', account, via: 'password', created: 0, expires: 1, formToken: 'f' }
            : undefined,
        begin: () => assert.fail(),
        end: () => assert.fail(),
        list: () => assert.fail(),
      },
    },
  })
}

const cookie = `other=1; __Host-modstead=${SECRET}`
const isRefused = (error: unknown) => error instanceof ModsteadError && error.code === 'not_permitted'

test('the administrative API knows a browser by its cookie', async () => {
  const door = open()
  const principal = await door.principal(request('GET', { cookie }))
  assert.deepEqual(principal, {
    id: 'alice',
    kind: 'user',
    groups: ['team-a', 'local'],
    claims: {},
    rights: [],
  })
  assert.equal(await door.principal(request('GET', {})), undefined)
  assert.equal(
    await door.principal(request('GET', { cookie: `__Host-modstead=${'B'.repeat(43)}` })),
    undefined,
  )
})

test('what changes something is taken from pages of this server alone', async () => {
  const door = open()
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'ODD']) {
    for (const headers of [
      { 'sec-fetch-site': 'same-origin' },
      { origin: 'https://go.corp.example' },
    ] as Record<string, string>[])
      assert.equal((await door.principal(request(method, { cookie, ...headers })))?.id, 'alice')
    for (const headers of [
      {},
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: '' },
      { origin: 'http://go.corp.example' },
      { origin: 'https://go.corp.example.evil.example' },
      { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
      { referer: 'https://go.corp.example/' },
    ] as Record<string, string>[])
      await assert.rejects(
        door.principal(request(method, { cookie, ...headers })),
        isRefused,
        JSON.stringify(headers),
      )
  }
  assert.equal(await door.principal(request('POST', {})), undefined, 'nobody needs no proof')
})

test('a tenant has a cookie of its own', async () => {
  assert.equal(await open('a').principal(request('GET', { cookie })), undefined)
  const own = `__Host-modstead-a=${SECRET}`
  assert.equal((await open('a').principal(request('GET', { cookie: own })))?.id, 'alice')
  assert.deepEqual(cookieNames('a', false).session, 'modstead-a')
  // Whatever tenants are called, no cookie of one is that of another.
  const scopes = ['', 'a', 'signin', 'form', 'a-signin', 'a-form']
  const names = scopes.flatMap((scope) => Object.values(cookieNames(scope, true)))
  assert.equal(new Set(names).size, names.length)
})

test('behind what ends TLS the origin has another scheme than the connection', () => {
  const origin = { origin: 'https://go.corp.example' }
  assert.equal(checkOrigin(request('POST', origin, false), 'http://go.corp.example'), 'same')
  assert.throws(
    () => checkOrigin(request('POST', { origin: 'http://go.corp.example' }), 'https://go.corp.example'),
    isRefused,
  )
  assert.equal(checkOrigin(request('POST', {}), 'https://go.corp.example'), 'unknown')
})

test('a cookie is taken once, whole, and without quotes', () => {
  const value = (header: string) => cookieIn({ headers: { cookie: header } }, 'a')
  assert.equal(value('a=b'), 'b')
  assert.equal(value('x=1;a=b; y=2'), 'b')
  for (const header of ['', 'a', 'a=', 'a=b; a=c', 'a="b"', 'aa=b', 'a=b c', 'A=b', '=a', 'a=b\u0000'])
    assert.equal(value(header), undefined, header)
  assert.equal(
    setCookie('a', 'b', { secure: true, seconds: 5 }),
    'a=b; Path=/; Max-Age=5; HttpOnly; SameSite=Lax; Secure',
  )
})
