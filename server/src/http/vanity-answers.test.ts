import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { VanityRule } from '../config/config.ts'
import { ask, askRaw, bytesAnswer, createTableMirror, startServer } from './http.fixture.ts'

const VANITY: VanityRule[] = [
  {
    modules: ['go.corp.example/*', '*.evil.example/<b>/*'],
    repository: 'https://git.corp.example/go/{path}?a="&b=<c>',
    subdirectory: '',
    source: 'gitlab',
  },
]
const HOST = { host: 'go.corp.example' }
const PUBLIC = { vanity: VANITY, publicUrl: 'https://go.corp.example', pathPrefix: '/goproxy' }

/** The contents of the tags of a name, as a browser would read them. */
function tags(html: string, name: string): string[] {
  return Array.from(html.matchAll(/<meta name="([^"]*)" content="([^"]*)">/g))
    .filter((tag) => tag[1] === name)
    .map((tag) => tag[2]!.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code))))
}

test('what go reads', async (t) => {
  const { port, observer } = await startServer(t, { config: PUBLIC })
  const answer = await ask(port, '/tool/cmd/x?go-get=1', { headers: HOST })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8')
  assert.equal(answer.headers['cache-control'], 'public, max-age=300')
  const git = 'https://git.corp.example/go/tool?a="&b=<c>'
  assert.deepEqual(tags(answer.text, 'go-import'), [
    'go.corp.example/tool mod https://go.corp.example/goproxy',
    `go.corp.example/tool git ${git}`,
  ])
  assert.equal(tags(answer.text, 'go-source').length, 1)
  assert.ok(!answer.text.includes('<c>'), 'what comes from the configuration is escaped')
  assert.ok(
    answer.text.indexOf('go-import') < answer.text.indexOf('<style>'),
    'tags come before anything odd',
  )
  const root = await ask(port, '/tool?go-get=1', { headers: HOST })
  assert.deepEqual(tags(root.text, 'go-import'), tags(answer.text, 'go-import'))

  const head = await ask(port, '/tool/cmd/x?go-get=1', { method: 'HEAD', headers: HOST })
  assert.deepEqual([head.status, head.text], [200, ''])
  assert.equal(head.headers['content-length'], answer.headers['content-length'])
  const { etag } = answer.headers
  const again = await ask(port, '/tool/cmd/x?go-get=1', { headers: { ...HOST, 'if-none-match': etag! } })
  assert.equal(again.status, 304)
  assert.equal(observer.counts.get('modstead_http_requests_total vanity 2xx'), 3)
})

test('what people read', async (t) => {
  const { port } = await startServer(t, { config: PUBLIC })
  const html = await ask(port, '/tool/cmd/', { headers: { ...HOST, accept: 'text/html' } })
  assert.equal(html.status, 200)
  assert.match(html.text, /<h1>go\.corp\.example\/tool\/cmd<\/h1>/)
  assert.match(html.text, /<code>go get go\.corp\.example\/tool\/cmd@latest<\/code>/)
  assert.match(html.text, /<code>go env -w GOPROXY=https:\/\/go\.corp\.example\/goproxy<\/code>/)
  assert.match(html.text, /<a href="https:\/\/git\.corp\.example\/go\/tool">/)
  assert.doesNotMatch(html.text, /<script|style=|\son\w+=/)
  const style = /<style>([^]*)<\/style>/.exec(html.text)![1]!
  const hash = createHash('sha256').update(style).digest('base64')
  const policy = String(html.headers['content-security-policy'])
  assert.ok(policy.startsWith("default-src 'none'") && policy.includes(`'sha256-${hash}'`))
  assert.equal(html.headers['x-content-type-options'], 'nosniff')
  const text = await ask(port, '/tool?utm=x', { headers: { ...HOST, accept: '*/*' } })
  assert.equal(text.headers['content-type'], 'text/plain; charset=utf-8')
  assert.equal(text.headers.vary, 'Accept')
  assert.match(text.text, /\n {2}go get go\.corp\.example\/tool@latest\n/)
  assert.match(text.text, /\nFor this shell:\n {2}export GOPROXY=/)
  // Whoever follows the page from the top asks nobody else for the name.
  for (const page of [html.text, text.text])
    assert.ok(page.indexOf('GOPROXY=') < page.indexOf('go get go.corp.example'), page)
})

test('without publicUrl the address is the one that was asked', async (t) => {
  const { port } = await startServer(t, { config: { vanity: VANITY } })
  const { text } = await ask(port, '/tool?go-get=1', { headers: { host: 'GO.corp.example:8080' } })
  assert.equal(tags(text, 'go-import')[0], 'go.corp.example/tool mod http://GO.corp.example:8080')
})

test('module endpoints, databases and pages stay what they are', async (t) => {
  const mirror = createTableMirror('sum.golang.org', { latest: 'head' })
  const { port, proxy } = await startServer(t, { config: { vanity: VANITY }, databases: [mirror] })
  proxy.answers.set('/go.corp.example/tool/@v/list', () => bytesAnswer('v1.0.0\n'))
  const rows: [path: string, body: RegExp][] = [
    ['/go.corp.example/tool/@v/list', /^v1\.0\.0\n$/],
    ['/sumdb/sum.golang.org/supported', /^$/],
    ['/sumdb/sum.golang.org/latest', /^head$/],
    ['/latest', /^head$/],
    ['/api/v1/openapi.json', /^\{"openapi":/],
    ['/healthz', /^alive/],
    ['/metrics', /^metrics/],
    ['/', /A Go module proxy|a Go module proxy/],
    ['/?go-get=1', /a Go module proxy/i],
  ]
  for (const [path, body] of rows) {
    const answer = await ask(port, path, { headers: HOST })
    assert.equal(answer.status, 200, path)
    assert.match(answer.text, body, path)
  }
  // A module may be called like a page, and `go` gets its tags.
  for (const path of ['/metrics?go-get=1', '/latest?go-get=1', '/sumdb/x?go-get=1', '/api/v1?go-get=1'])
    assert.match((await ask(port, path, { headers: HOST })).text, /name="go-import"/, path)
  assert.match((await ask(port, '/healthz?go-get=1', { headers: { host: 'x.example' } })).text, /^alive/)
})

test('no rule: a sentence, and no guess', async (t) => {
  const { port } = await startServer(t, { config: { vanity: VANITY } })
  const rows: [path: string, host: string, status: number, body: RegExp][] = [
    ['/tool?go-get=1', 'other.example', 404, /^this server knows no import path other\.example\/tool\n/],
    ['/v2?go-get=1', HOST.host, 404, /knows no import path go\.corp\.example\/v2\n/],
    ['/-x?go-get=1', HOST.host, 404, /knows no import path/],
    ['/../x?go-get=1', HOST.host, 404, /knows no import path/],
    ['/tool', 'other.example', 404, /there is nothing at/],
    ['/tool?go-get=1', '"><script>.example', 404, /there is nothing at/],
    ['/tool?go-get=1', '[::1]', 404, /there is nothing at/],
    ['/tool?go-get=1', 'go.corp.example.', 404, /there is nothing at/],
    ['/tool?go-get=1', 'go.corp.example:80:80', 404, /there is nothing at/],
    ['/%74ool?go-get=1', HOST.host, 404, /./],
    ['/"><script>?go-get=1', HOST.host, 404, /./],
    [`/${'a/'.repeat(1100)}?go-get=1`, HOST.host, 414, /./],
    ['/tool@v1?go-get=1', HOST.host, 404, /./],
  ]
  for (const [path, host, status, body] of rows) {
    const answer = await ask(port, path, { headers: { host } })
    assert.equal(answer.status, status, `${host} ${path}: ${answer.text}`)
    assert.match(answer.text, body, path)
    assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8')
    assert.doesNotMatch(answer.text, /go-import/)
  }
})

test('the host of an absolute target wins; two Host headers name none', async (t) => {
  const { port } = await startServer(t, { config: { vanity: VANITY } })
  const target = 'http://go.corp.example/tool?go-get=1'
  const absolute = await askRaw(
    port,
    `GET ${target} HTTP/1.1\r\nHost: x.example\r\nConnection: close\r\n\r\n`,
  )
  assert.match(absolute, /go\.corp\.example\/tool mod/)
  const hosts = 'Host: x.example\r\nHost: go.corp.example\r\n'
  const twice = await askRaw(port, `GET /tool?go-get=1 HTTP/1.1\r\n${hosts}Connection: close\r\n\r\n`)
  assert.doesNotMatch(twice, /go-import/)
  const none = await askRaw(port, 'GET /tool?go-get=1 HTTP/1.1\r\nConnection: close\r\n\r\n')
  assert.match(none, /^HTTP\/1\.1 400 /)
})

test('without rules nothing changes', async (t) => {
  const { port } = await startServer(t)
  assert.equal((await ask(port, '/tool?go-get=1', { headers: HOST })).status, 404)
  assert.equal((await ask(port, '/a.example/b/@v/list?go-get=1', { headers: HOST })).status, 400)
})
