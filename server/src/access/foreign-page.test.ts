import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import test from 'node:test'
import { isOfForeignPage } from './foreign-page.ts'

test('who makes a browser send a request', () => {
  const host = 'go.corp.example:6638'
  const rows: [headers: IncomingHttpHeaders, foreign: boolean][] = [
    [{}, false],
    [{ origin: 'https://go.corp.example:6638' }, false],
    [
      { origin: 'https://go.corp.example:6638', 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' },
      false,
    ],
    [{ 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }, false],
    [{ 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'no-cors' }, false],
    // A link on another page: nothing is changed by it.
    [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, false],
    [{ origin: 'https://evil.example' }, true],
    [{ origin: 'https://go.corp.example' }, true],
    [{ origin: 'https://go.corp.example:6638.evil.example' }, true],
    [{ origin: 'null' }, true],
    [{ origin: '' }, true],
    [{ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, true],
    [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, true],
    [{ 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }, true],
  ]
  for (const [headers, foreign] of rows)
    assert.equal(isOfForeignPage({ host, ...headers }), foreign, JSON.stringify(headers))
  assert.ok(isOfForeignPage({ origin: 'https://go.corp.example' }), 'without a host')
  assert.ok(!isOfForeignPage({ host: 'GO.corp.example', origin: 'https://go.corp.example' }))
})
