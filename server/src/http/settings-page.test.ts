import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, startServer } from './http.fixture.ts'

const PUBLIC = { publicUrl: 'https://go.corp.example', pathPrefix: '/p' }
const HELPER = 'go.corp.example/modstead/client'

test('the settings: HTML, text and JSON, at the root and behind the prefix', async (t) => {
  const { port, observer } = await startServer(t, { config: PUBLIC })
  for (const path of ['/settings', '/p/settings', '/settings?x=1']) {
    const html = await ask(port, path, { headers: { accept: 'text/html' } })
    assert.equal(html.status, 200)
    assert.equal(html.headers['content-type'], 'text/html; charset=utf-8')
    assert.equal(html.headers.vary, 'Accept')
    assert.match(String(html.headers['content-security-policy']), /^default-src 'none';/)
    assert.match(html.text, /<h2 id="gitlab-ci">GitLab CI<\/h2>/)
    assert.doesNotMatch(html.text, /<script|style=|\son\w+=/)
    const text = await ask(port, path, { headers: { accept: '*/*' } })
    assert.equal(text.headers['content-type'], 'text/plain; charset=utf-8')
    assert.match(text.text, /\n {2}go env -w GOPROXY=https:\/\/go\.corp\.example\/p\n/)
    const json = await ask(port, path, { headers: { accept: 'application/json' } })
    assert.equal(json.headers['content-type'], 'application/json; charset=utf-8')
    const { settings, guides } = JSON.parse(json.text) as { settings: object[]; guides: object[] }
    assert.deepEqual(settings, [{ name: 'GOPROXY', value: 'https://go.corp.example/p' }])
    assert.equal(guides.length, 5)
  }
  const head = await ask(port, '/settings', { method: 'HEAD' })
  assert.deepEqual([head.status, head.text], [200, ''])
  assert.equal((await ask(port, '/settings', { method: 'POST' })).status, 405)
  assert.equal((await ask(port, '/settings/x')).status, 404)
  assert.equal(observer.counts.get('modstead_http_requests_total page 2xx'), 10)
})

test('a host that a client makes up reaches no page as it is', async (t) => {
  const { port, url } = await startServer(t)
  for (const accept of ['text/html', '*/*', 'application/json']) {
    const { text } = await ask(port, '/settings', { headers: { host: '"><script>', accept } })
    assert.doesNotMatch(text, /<script/)
    assert.ok(text.includes(url))
  }
})

test('the home page leads to them', async (t) => {
  const { port } = await startServer(t, { config: PUBLIC })
  const home = await ask(port, '/', { headers: { accept: 'text/html' } })
  assert.match(home.text, /<a href="https:\/\/go\.corp\.example\/p\/settings">/)
})

test('go finds the helper at its import path, with vanity rules or without', async (t) => {
  const rule = {
    modules: ['go.corp.example/*'],
    repository: 'https://git.example/{path}',
    subdirectory: '',
    source: 'none' as const,
  }
  for (const vanity of [[], [rule]]) {
    const { port } = await startServer(t, { config: { ...PUBLIC, vanity } })
    const get = (path: string, host = 'go.corp.example') => ask(port, path, { headers: { host } })
    const page = await get('/modstead/client?go-get=1')
    assert.equal(page.status, 200)
    assert.match(
      page.text,
      new RegExp(`<meta name="go-import" content="${HELPER} mod https://go\\.corp\\.example/p">`),
    )
    assert.doesNotMatch(page.text, / git /)
    assert.equal((await get('/modstead/client')).status, 200)
    // Another host is nobody's: its module would be one that this server does not have.
    assert.equal((await get('/modstead/client?go-get=1', 'evil.example')).status, 404)
    assert.equal((await get('/modstead?go-get=1')).status, vanity.length === 0 ? 404 : 200)
    const nothing = await get('/modstead/client/x')
    assert.equal(nothing.status, vanity.length === 0 ? 404 : 200)
  }
})
