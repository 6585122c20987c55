import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test from 'node:test'
import { homeHtml, homeText } from './home.ts'
import { HTML_POLICY } from './html-page.ts'
import { ask, startServer } from './http.fixture.ts'

const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

test('the home page: HTML for browsers, text for terminals', async (t) => {
  const { port, url } = await startServer(t)
  const html = await ask(port, '/', { headers: BROWSER })
  assert.equal(html.status, 200)
  assert.equal(html.headers['content-type'], 'text/html; charset=utf-8')
  assert.equal(html.headers['cache-control'], 'no-store')
  assert.equal(html.headers.vary, 'Accept')
  assert.match(html.text, new RegExp(`<code>go env -w GOPROXY=${url}</code>`))
  assert.match(html.text, /<dt>Versions<\/dt><dd>3<\/dd>/)
  assert.doesNotMatch(html.text, /<script|style=|\son\w+=|https?:\/\/(?!127\.0\.0\.1)/)
  const style = /<style>([^]*)<\/style>/.exec(html.text)![1]!
  const hash = createHash('sha256').update(style).digest('base64')
  const policy = String(html.headers['content-security-policy'])
  assert.ok(policy.includes(`style-src 'sha256-${hash}'`), 'the policy allows the style sheet')
  assert.ok(policy.startsWith("default-src 'none';"))
  const text = await ask(port, '/?utm=x', { headers: { accept: '*/*' } })
  assert.equal(text.headers['content-type'], 'text/plain; charset=utf-8')
  assert.match(text.text, new RegExp(`\n  go env -w GOPROXY=${url}\n`))
})

test('the address on the home page', async (t) => {
  const rows: [config: object, host: string, address: RegExp][] = [
    [{}, 'go.corp.example:8080', /^http:\/\/go\.corp\.example:8080$/],
    [{}, '[::1]:80', /^http:\/\/\[::1\]:80$/],
    [{ pathPrefix: '/go' }, 'go.corp.example', /^http:\/\/go\.corp\.example\/go$/],
    [{ publicUrl: 'https://go.corp.example', pathPrefix: '/go' }, 'x', /^https:\/\/go\.corp\.example\/go$/],
    [{ publicUrl: 'https://go.corp.example' }, 'evil.example', /^https:\/\/go\.corp\.example$/],
    [{}, '"><script>', /^http:\/\/127\.0\.0\.1:\d+$/],
    [{}, 'a b', /^http:\/\/127\.0\.0\.1:\d+$/],
  ]
  for (const [config, host, address] of rows) {
    const { port } = await startServer(t, { config })
    for (const accept of ['text/html', '*/*']) {
      const { text } = await ask(port, '/', { headers: { host, accept } })
      assert.match(/GOPROXY=([^\s<"&]+)/.exec(text)![1]!, address)
      assert.doesNotMatch(text, /<script/)
    }
  }
})

test('the home page has all that a client has to set, as the banner has it', async (t) => {
  const times = { fresh: 0, staleWhileRevalidate: 0, absent: 0, lookAhead: true, from: [] }
  const routes = [
    { modules: ['corp.example', '*.corp.example'], private: true, checksum: 'off', ...times },
    { modules: ['*'], private: false, checksum: 'sum.corp.example', ...times },
  ]
  const sumdb = [{ name: 'sum.corp.example', key: 'sum.corp.example+1234abcd+AAAA' }]
  const { port, url } = await startServer(t, { config: { routes, sumdb } })
  const text = await ask(port, '/', { headers: { accept: '*/*' } })
  const patterns = 'GONOSUMDB=corp.example,*.corp.example'
  const lines = [`GOPROXY=${url}`, 'GOSUMDB=sum.corp.example+1234abcd+AAAA', `"${patterns}"`]
  assert.ok(text.text.includes(lines.map((line) => `  go env -w ${line}\n`).join('')), text.text)
  assert.ok(text.text.includes(lines.map((line) => `  export ${line}\n`).join('')))
  assert.ok(text.text.includes('  $env:GONOSUMDB = "corp.example,*.corp.example"\n'))
  const html = await ask(port, '/', { headers: BROWSER })
  assert.ok(html.text.includes(`go env -w GOPROXY=${url}\ngo env -w GOSUMDB=`))
  assert.ok(html.text.includes(`&#34;${patterns}&#34;</code>`))
})

test('with a checksum log of our own, the home page says what would pass it by', async (t) => {
  const checksumLog = {
    name: 'go.corp.example',
    key: '',
    verifierKey: 'go.corp.example+1234abcd+AAAA',
    previousKeys: [],
    witnesses: [],
  }
  const { port } = await startServer(t, { config: { checksumLog } })
  const text = await ask(port, '/', { headers: { accept: '*/*' } })
  assert.ok(
    text.text.includes(`go env -w GOSUMDB=${checksumLog.verifierKey}\n  go env -w GONOSUMDB=\n`),
    text.text,
  )
  assert.match(text.text, /\nGOPRIVATE must not be set .*unproven\.\n/)
  const html = await ask(port, '/', { headers: BROWSER })
  assert.match(html.text, /<p>GOPRIVATE must not be set .*unproven\.<\/p>/)
})

test('below a prefix, its root is the home page too', async (t) => {
  const { port } = await startServer(t, { config: { pathPrefix: '/go/proxy' } })
  for (const path of ['/', '/go/proxy', '/go/proxy/']) assert.equal((await ask(port, path)).status, 200, path)
  for (const path of ['/go', '/go/', '/go/proxy/healthz'])
    assert.equal((await ask(port, path)).status, 404, path)
  assert.equal((await ask(port, '/healthz')).status, 200)
})

test('what cannot be counted is said, not guessed', async (t) => {
  const totals = async () => Promise.reject(new Error('the catalog is away'))
  const { port, observer } = await startServer(t, { totals })
  const { status, text } = await ask(port, '/', { headers: { accept: '*/*' } })
  assert.equal(status, 200)
  assert.match(text, /Modules: not known now/)
  assert.equal(observer.lines.length, 1)
})

test('ready or not', async (t) => {
  let reasons: string[] = []
  const ready = async () => (reasons[0] === 'throw' ? Promise.reject(new Error('x')) : reasons)
  const { port } = await startServer(t, { ready })
  const fine = await ask(port, '/readyz')
  assert.deepEqual([fine.status, fine.text], [200, 'ready\n'])
  reasons = ['the data folder cannot be written', 'second']
  const not = await ask(port, '/readyz')
  assert.deepEqual([not.status, not.text], [503, 'not ready\nthe data folder cannot be written\nsecond\n'])
  assert.equal(not.headers['cache-control'], 'no-store')
  reasons = ['throw']
  assert.equal((await ask(port, '/readyz')).status, 503)
  assert.deepEqual((await ask(port, '/healthz')).text, 'alive\n')
})

test('what should be seen to is told with it, and changes nothing', async (t) => {
  const { port } = await startServer(t, { warnings: () => ['the mark is on the same disk'] })
  const { status, text } = await ask(port, '/readyz')
  assert.deepEqual([status, text], [200, 'ready\nwarning: the mark is on the same disk\n'])
})

test('what does not answer in time is not ready', async (t) => {
  const { port } = await startServer(t, { ready: () => new Promise(() => undefined) })
  const { status, text } = await ask(port, '/readyz')
  assert.deepEqual([status, text], [503, 'not ready\nits state could not be found out in time\n'])
})

test('metrics are those of the observer, counted up to now', async (t) => {
  const { port, observer } = await startServer(t)
  await ask(port, '/nope')
  const { status, headers, text } = await ask(port, '/metrics')
  assert.deepEqual([status, headers['content-type'], text], [200, 'text/plain; version=0.0.4', 'metrics\n'])
  assert.equal(observer.counts.get('modstead_http_requests_total other 4xx'), 1)
})

test('the page escapes what it is given', () => {
  const address = 'https://x/"<&>\''
  const settings = [{ name: 'GOPROXY' as const, value: address }]
  const facts = { address, settings, version: '<1>', databases: ['<db>'] }
  const html = homeHtml(facts)
  assert.doesNotMatch(html, /<1>|<db>|"<&|'/)
  assert.match(
    homeText({
      ...facts,
      totals: { modules: 1234567, versions: 0, zipBytes: 1536, incidents: 1200, openIncidents: 3 },
    }),
    /1,234,567\n.*0\n.*1\.5 KiB\n.*Incidents: 1,200 \(3 open\)\n/,
  )
  assert.match(HTML_POLICY, /frame-ancestors 'none'/)
})
