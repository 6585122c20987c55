import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { HookConfig } from '../config/config.ts'
import { ModsteadError } from '../errors.ts'
import { FORGEJO, GITHUB, GITLAB, type Sample } from './hook-payloads.fixture.ts'
import { signGeneric } from './hook-signatures.ts'
import { createHooks } from './hooks.ts'
import { createTestObserver } from '../observe/test-support.ts'
import { ask, askRaw, startServer, type Reply } from './http.fixture.ts'
import type { PushHint, PushReceiver } from './push-hint.ts'

const SECRET = 's3cret-of-all-hooks'
const HOOKS = new Map<string, HookConfig>(
  (['gitlab', 'github', 'gitea', 'generic'] as const).map((type) => [
    type,
    { name: type, type, secret: SECRET },
  ]),
)
const JSON_TYPE = { 'content-type': 'application/json' }

async function start(t: TestContext, config: { pathPrefix?: string } = {}) {
  const hints: PushHint[] = []
  const pushes = {
    onPush(hint: PushHint) {
      hints.push(hint)
      return hint.repository.includes('corp/tool') ? 'accepted' : 'unknown'
    },
  } as const
  const running = await startServer(t, { config: { hooks: HOOKS, ...config }, pushes })
  return { ...running, hints }
}

function post(
  port: number,
  path: string,
  body: string | Buffer,
  headers: Record<string, string>,
): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>()
  const options = {
    host: '127.0.0.1',
    port,
    path,
    method: 'POST',
    agent: false,
    headers: { ...JSON_TYPE, ...headers },
  }
  const request = http.request(options, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.once('end', () => {
      const bytes = Buffer.concat(chunks)
      resolve({
        status: response.statusCode!,
        headers: response.headers,
        body: bytes,
        text: bytes.toString(),
      })
    })
  })
  request.once('error', reject)
  request.end(body)
  return promise
}

function hmac(body: string): string {
  return createHmac('sha256', SECRET).update(body).digest('hex')
}

test('what each product sends: pushes, tags, a ping, other events', async (t) => {
  const { port, hints, observer } = await start(t)
  const samples: [name: string, sample: Sample, sign: (body: string) => object][] = [
    ['gitlab', GITLAB.branch, () => ({ 'x-gitlab-token': SECRET })],
    ['gitlab', GITLAB.tag, () => ({ 'x-gitlab-token': SECRET })],
    ['github', GITHUB.tag, (body) => ({ 'x-hub-signature-256': `sha256=${hmac(body)}` })],
    ['gitea', FORGEJO.branch, (body) => ({ 'x-forgejo-signature': hmac(body) })],
  ]
  const texts = new Set<string>()
  for (const [name, { headers, body }, sign] of samples) {
    const text = JSON.stringify(body)
    const answer = await post(port, `/hooks/${name}`, text, { ...headers, ...sign(text) })
    assert.equal(answer.status, 202, answer.text)
    texts.add(answer.text)
  }
  assert.deepEqual(
    hints.map(({ hook, repository, refs }) => [hook, repository[0], refs]),
    [
      ['gitlab', 'platform/tool', ['refs/heads/main']],
      ['gitlab', 'platform/tool', ['refs/tags/v1.2.3']],
      ['github', 'corp/tool', ['refs/tags/v1.2.3']],
      ['gitea', 'corp/tool', ['refs/heads/main']],
    ],
  )
  assert.equal(texts.size, 1, 'whether a repository is known is not told')
  assert.match([...texts][0]!, /^noted: /)

  const ping = JSON.stringify(GITHUB.ping.body)
  const signed = { ...GITHUB.ping.headers, 'x-hub-signature-256': `sha256=${hmac(ping)}` }
  assert.equal((await post(port, '/hooks/github', ping, signed)).status, 200)
  const issue = JSON.stringify(GITLAB.issue.body)
  const ignored = await post(port, '/hooks/gitlab', issue, {
    ...GITLAB.issue.headers,
    'x-gitlab-token': SECRET,
  })
  assert.deepEqual([ignored.status, ignored.text.slice(0, 8)], [202, 'ignored:'])
  assert.equal(hints.length, 4)
  for (const [key, count] of Object.entries({
    'gitlab unknown': 2,
    'gitlab ignored': 1,
    'github accepted': 1,
    'github ping': 1,
    'gitea accepted': 1,
  }))
    assert.equal(observer.counts.get(`modstead_hook_requests_total ${key}`), count, key)
  assert.ok(!JSON.stringify(observer.lines).includes(SECRET))
})

test('a form, as GitHub and Gitea send it unless told otherwise', async (t) => {
  const { port, hints } = await start(t)
  const body = new URLSearchParams({ payload: JSON.stringify(GITHUB.branch.body) }).toString()
  const headers = {
    ...GITHUB.branch.headers,
    'content-type': 'application/x-www-form-urlencoded',
    'x-hub-signature-256': `sha256=${hmac(body)}`,
  }
  assert.equal((await post(port, '/hooks/github', body, headers)).status, 202)
  assert.deepEqual(hints[0]?.refs, ['refs/heads/main'])
})

test('a form from Gitea or Forgejo is signed over the payload in it, not over itself', async (t) => {
  const { port, hints } = await start(t)
  const payload = JSON.stringify({ ...FORGEJO.branch.body, note: 'grüße & 100 % + more' })
  const body = new URLSearchParams({ payload }).toString()
  const send = (signature: string, form = body) =>
    post(port, '/hooks/gitea', form, {
      ...FORGEJO.branch.headers,
      'content-type': 'application/x-www-form-urlencoded',
      'x-gitea-signature': signature,
    })
  assert.equal((await send(hmac(payload))).status, 202)
  assert.deepEqual(hints[0]?.refs, ['refs/heads/main'])
  const other = new URLSearchParams({ payload: JSON.stringify(FORGEJO.branch.body) }).toString()
  for (const [signature, form] of [
    [hmac(body), body],
    [hmac(payload), other],
    [hmac(payload), `payload=${encodeURIComponent('{}')}&${body}`],
    [hmac(payload), 'other=1'],
  ] as const)
    assert.equal((await send(signature, form)).status, 403)
  assert.equal(hints.length, 1)
})

test('the generic form, replayed: once more while it is fresh, never later', async (t) => {
  const { port, hints } = await start(t)
  const body = JSON.stringify({ repository: 'corp/tool', ref: 'refs/tags/v1.2.3' })
  const now = Math.floor(Date.now() / 1000)
  const fresh = { 'modstead-signature': signGeneric(SECRET, now, body) }
  for (let i = 0; i < 2; i++) assert.equal((await post(port, '/hooks/generic', body, fresh)).status, 202)
  assert.equal(hints.length, 2)
  for (const time of [now - 301, now + 400]) {
    const stale = { 'modstead-signature': signGeneric(SECRET, time, body) }
    const answer = await post(port, '/hooks/generic', body, stale)
    assert.equal(answer.status, 403)
    assert.match(answer.text, /5 minutes/)
  }
  const other = JSON.stringify({ repository: 'corp/other' })
  assert.equal((await post(port, '/hooks/generic', other, fresh)).status, 403)
  assert.equal(hints.length, 2)
})

test('refusals: a status and a sentence, and nobody hears of them', async (t) => {
  const { port, hints, observer } = await start(t)
  const body = JSON.stringify(GITHUB.branch.body)
  const right = { ...GITHUB.branch.headers, 'x-hub-signature-256': `sha256=${hmac(body)}` }
  const wrong = { 'x-hub-signature-256': `sha256=${hmac('other')}` }
  const list = '[1]'
  const rows: [path: string, body: string, headers: Record<string, string>, status: number, text: RegExp][] =
    [
      [
        '/hooks/github',
        body,
        wrong,
        403,
        /^the signature is not one of the secret.*\n.*hooks\.github\.secret/,
      ],
      ['/hooks/github', body, {}, 403, /not signed.*x-hub-signature-256/],
      ['/hooks/github', 'not JSON', wrong, 403, /signature/],
      ['/hooks/gitlab', body, { 'x-gitlab-token': 'x' }, 403, /token/],
      ['/hooks/nobody', body, right, 404, /no hook of this name/],
      ['/hooks/', body, right, 404, /no hook of this name/],
      ['/hooks/github/x', body, right, 404, /no hook of this name/],
      ['/hooks/__proto__', body, right, 404, /no hook of this name/],
      ['/hooks/github', body, { ...right, 'content-type': 'text/plain' }, 415, /not declared as JSON/],
      ['/hooks/github', body, { ...right, 'content-encoding': 'gzip' }, 415, /compressed/],
      [
        '/hooks/gitlab',
        body,
        { 'content-type': 'application/x-www-form-urlencoded' },
        415,
        /application\/json/,
      ],
      ['/hooks/github', list, { 'x-hub-signature-256': `sha256=${hmac(list)}` }, 400, /not a JSON object/],
      ['/hooks/github', '', { 'x-hub-signature-256': `sha256=${hmac('')}` }, 400, /not JSON/],
      [
        '/hooks/github',
        '{}',
        { 'x-github-event': 'push', 'x-hub-signature-256': `sha256=${hmac('{}')}` },
        400,
        /no repo/,
      ],
      ['/example.com/mod/@v/list', body, right, 405, /GET or HEAD/],
    ]
  for (const [path, body, headers, status, text] of rows) {
    const answer = await post(port, path, body, headers)
    assert.equal(answer.status, status, `${path} ${JSON.stringify(headers)}: ${answer.text}`)
    assert.match(answer.text, text, path)
    assert.ok(answer.text.split('\n').length <= 4 && !answer.text.includes(SECRET))
  }
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']) {
    const answer = await ask(port, '/hooks/github', { method })
    assert.deepEqual([answer.status, answer.headers.allow], [405, 'POST'], method)
  }
  assert.deepEqual(hints, [])
  assert.ok(!JSON.stringify(observer.lines).includes(SECRET))
  assert.match(
    await askRaw(port, 'POST /hooks/github HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}'),
    /^HTTP\/1\.1 400 [^]*no Host header/,
  )
})

test('a gigantic body is 413, whether it says so or not', async (t) => {
  const { port, hints } = await start(t)
  const fits = Buffer.from(JSON.stringify({ repository: 'corp/tool', x: 'x'.repeat((1 << 20) - 35) }))
  assert.ok(fits.length <= 1 << 20 && fits.length > (1 << 20) - 10)
  const now = Math.floor(Date.now() / 1000)
  const signed = { 'modstead-signature': signGeneric(SECRET, now, fits) }
  assert.equal((await post(port, '/hooks/generic', fits, signed)).status, 202)
  const large = Buffer.alloc(4 << 20, 'x')
  const answer = await post(port, '/hooks/generic', large, {})
  assert.equal(answer.status, 413)
  assert.match(answer.text, /larger than 1048576 bytes/)
  const chunked = await post(port, '/hooks/generic', large, { 'transfer-encoding': 'chunked' })
  assert.equal(chunked.status, 413)
  assert.equal(hints.length, 1)
})

test('a body that never ends is given up', async (t) => {
  const { port } = await start(t)
  const head = 'POST /hooks/generic HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
  // The sender could go on for ever: what it still sends is dropped, and the connection ends a second later.
  const endless = askRaw(port, `${head}Content-Length: 99999999\r\n\r\n${'x'.repeat((1 << 20) + 1)}`)
  assert.match(await endless, /^HTTP\/1\.1 413 [^]*Connection: close/)
})

test('a slow body is given up in time', async (t) => {
  const observer = createTestObserver()
  const receiver: PushReceiver = { onPush: () => 'accepted' }
  const hooks = createHooks({ hooks: HOOKS, prefix: '', receiver, observer, deadline: 50 })
  const { promise, resolve } = Promise.withResolvers<unknown>()
  const server = http.createServer((req, res) => {
    const { signal } = new AbortController()
    hooks.answer({ req, res, signal }).then(resolve, resolve)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  const request = http.request({
    host: '127.0.0.1',
    port,
    path: '/hooks/generic',
    method: 'POST',
    headers: JSON_TYPE,
  })
  t.after(() => {
    request.destroy()
    server.close()
  })
  request.on('error', () => request.destroy())
  request.write('{')
  const error = await promise
  assert.ok(error instanceof ModsteadError && error.code === 'request_timeout')
  assert.equal(observer.counts.get('modstead_hook_requests_total generic refused'), 1)
})

test('below a prefix, and at the root', async (t) => {
  const { port, hints } = await start(t, { pathPrefix: '/go' })
  const body = JSON.stringify({ repository: 'corp/tool' })
  const signed = { 'modstead-signature': signGeneric(SECRET, Math.floor(Date.now() / 1000), body) }
  assert.equal((await post(port, '/hooks/generic', body, signed)).status, 202)
  assert.equal((await post(port, '/go/hooks/generic?x=1', body, signed)).status, 202)
  assert.equal(hints.length, 2)
})

test('without hooks there is no such address', async (t) => {
  const { port } = await startServer(t)
  assert.equal((await post(port, '/hooks/github', '{}', {})).status, 405)
  assert.equal((await ask(port, '/hooks/github')).status, 404)
})
