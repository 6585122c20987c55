import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { INCIDENT } from '../../catalog/incidents-contract.ts'
import { openSqliteCatalog } from '../../catalog/sqlite-catalog.ts'
import { createTestObserver, temporaryFolder } from '../../observe/test-support.ts'
import type { Catalog } from '../../proxy/catalog.ts'
import { ask as askServer, type Asked, type Reply, type Running, startServer } from '../http.fixture.ts'

const AUDITOR = 'auditor-0123456789abcdef'
const CI = 'ci-0123456789abcdef'
const tokens = [
  { name: 'sec', token: AUDITOR, may: ['audit'] },
  { name: 'ci', token: CI, may: ['publish', 'delete'] },
] as const
const LIST = '/api/v1/incidents'

/** The server, with a real catalog behind it. */
async function started(t: TestContext, pathPrefix = ''): Promise<Running & { catalog: Catalog }> {
  const path = join(await temporaryFolder(t), 'catalog.db')
  const catalog = await openSqliteCatalog(path, { observer: createTestObserver() })
  t.after(() => catalog.close())
  const running = await startServer(t, { records: catalog, config: { tokens, pathPrefix } })
  return { ...running, catalog }
}

interface Wanted extends Asked {
  token?: string
}

function ask({ port }: Running, path: string, wanted: Wanted = {}): Promise<Reply> {
  const { token = AUDITOR, headers = {}, ...rest } = wanted
  const authorization = token === '' ? {} : { Authorization: `Bearer ${token}` }
  const type = rest.body === undefined ? {} : { 'Content-Type': 'application/json' }
  return askServer(port, path, { ...rest, headers: { ...authorization, ...type, ...headers } })
}

const json = ({ text }: Reply): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>

test('one incident, and a page of them', async (t) => {
  const server = await started(t)
  const row = await server.catalog.report(INCIDENT)
  const at = new Date(row.at).toISOString()
  const expected = { id: row.id, at, lastAt: at, count: 1, ...INCIDENT }
  const one = await ask(server, `${LIST}/${row.id}`)
  assert.deepEqual([one.status, json(one)], [200, expected])
  assert.equal(one.headers['content-type'], 'application/json')
  assert.equal(one.headers['cache-control'], 'no-store')
  assert.deepEqual(json(await ask(server, LIST)), { incidents: [expected] })
  const head = await ask(server, LIST, { method: 'HEAD' })
  assert.deepEqual([head.status, head.text], [200, ''])
  assert.equal(server.observer.counts.get('modstead_http_requests_total api 2xx'), 3)
})

test('page by page to the end, of all of them or the open or the others', async (t) => {
  const server = await started(t)
  const ids: string[] = []
  for (let i = 0; i < 7; i++)
    ids.unshift((await server.catalog.report({ ...INCIDENT, version: `v1.${i}.0` })).id)
  for (const id of [ids[1]!, ids[4]!]) await server.catalog.acknowledge(id, { who: 'x', note: 'y' })
  for (const [question, expected] of [
    ['', ids],
    ['&open=true', ids.filter((_, i) => i !== 1 && i !== 4)],
    ['&open=false', [ids[1], ids[4]]],
  ] as const) {
    const seen: string[] = []
    for (let next = ''; ;) {
      const reply = json(await ask(server, `${LIST}?limit=3${question}${next}`))
      const page = reply as { incidents: { id: string }[]; nextBefore?: string }
      seen.push(...page.incidents.map(({ id }) => id))
      if (page.nextBefore === undefined) break
      assert.equal(page.incidents.length, 3)
      next = `&before=${page.nextBefore}`
    }
    assert.deepEqual(seen, expected, question)
  }
})

test('an acknowledgement is recorded with the name of the token, and the first one holds', async (t) => {
  const server = await started(t, '/goproxy')
  const { id } = await server.catalog.report(INCIDENT)
  const path = `/goproxy${LIST}/${id}/ack`
  const body = JSON.stringify({ note: ' the mirror had an old backup — ask Jörg ' })
  const first = await ask(server, path, { method: 'POST', body })
  assert.equal(first.status, 200, first.text)
  const { acknowledged } = json(first) as { acknowledged: { at: string; who: string; note: string } }
  assert.deepEqual([acknowledged.who, acknowledged.note], ['sec', 'the mirror had an old backup — ask Jörg'])
  assert.ok(Math.abs(Date.parse(acknowledged.at) - Date.now()) < 60_000)
  const other = await ask(server, path, { method: 'POST', body: '{"note":"me too"}' })
  assert.deepEqual([other.status, json(other)], [200, json(first)])
  assert.deepEqual(json(await ask(server, `${LIST}/${id}`)), json(first))
  assert.equal((await server.catalog.totals()).openIncidents, 0)
  const [line] = server.observer.lines.filter(({ message }) => message === 'an incident was acknowledged')
  assert.equal(line?.fields.incident, id)
})

/** What is asked, with its status, its code and what the problem says. ID stands for an incident that is there. */
const REFUSED: [title: string, path: string, asked: Wanted, status: number, code: string, detail: RegExp][] =
  [
    ['no token', LIST, { token: '' }, 401, 'unauthenticated', /to audit takes a token/],
    ['a wrong token', LIST, { token: 'wrong-0123456789abcdef' }, 401, 'unauthenticated', /not one of this/],
    ['a token for other things', LIST, { token: CI }, 403, 'not_permitted', /ci may not audit/],
    ['no token, before the id is looked at', `${LIST}/x`, { token: '' }, 401, 'unauthenticated', /token/],
    ['a query that means nothing', `${LIST}?opn=true`, {}, 400, 'bad_request', /"opn"/],
    ['a query that is there twice', `${LIST}?open=true&open=false`, {}, 400, 'bad_request', /more than once/],
    ['a query for one incident', `${LIST}/ID?open=true`, {}, 400, 'bad_request', /"open"/],
    ['no row', `${LIST}?limit=0`, {}, 400, 'bad_request', /from 1 to 200/],
    ['too many rows', `${LIST}?limit=201`, {}, 400, 'bad_request', /from 1 to 200/],
    ['a limit that is no number', `${LIST}?limit=1e1`, {}, 400, 'bad_request', /from 1 to 200/],
    ['a cursor of another kind', `${LIST}?before=act-0000-0000`, {}, 400, 'bad_request', /before is not/],
    ['neither open nor not', `${LIST}?open=yes`, {}, 400, 'bad_request', /open is neither/],
    ['an incident that is not there', `${LIST}/inc-0000-0000`, {}, 404, 'not_found', /inc-0000-0000/],
    ['what is no id', `${LIST}/%22%27--`, {}, 404, 'not_found', /no incident/],
    ['the API itself', '/api', {}, 404, 'no_endpoint', /nothing at this address/],
    ['another version', '/api/v2/incidents', {}, 404, 'no_endpoint', /nothing/],
    ['nothing after a slash', `${LIST}/`, {}, 404, 'no_endpoint', /nothing/],
    ['a way up', '/api/v1/../v1/incidents', {}, 404, 'no_endpoint', /nothing/],
    ['what is encoded twice', `${LIST}/%2541`, {}, 400, 'bad_path', /twice/],
    ['a method for others', LIST, { method: 'DELETE' }, 405, 'method_not_allowed', /DELETE/],
    ['a GET for a deed', `${LIST}/ID/ack`, {}, 405, 'method_not_allowed', /GET/],
    ['no body', `${LIST}/ID/ack`, { method: 'POST' }, 415, 'unsupported_media_type', /JSON/],
    [
      'what a form can send',
      `${LIST}/ID/ack`,
      { method: 'POST', body: '{"note":"x"}', headers: { 'Content-Type': 'text/plain' } },
      415,
      'unsupported_media_type',
      /JSON/,
    ],
    ['no JSON', `${LIST}/ID/ack`, { method: 'POST', body: '{note' }, 400, 'bad_request', /JSON object/],
    [
      'no UTF-8',
      `${LIST}/ID/ack`,
      post(Buffer.from('{"note":"\xff"}', 'latin1')),
      400,
      'bad_request',
      /JSON/,
    ],
    ['no object', `${LIST}/ID/ack`, post('["note"]'), 400, 'bad_request', /JSON object/],
    ['null', `${LIST}/ID/ack`, post('null'), 400, 'bad_request', /JSON object/],
    ['no note', `${LIST}/ID/ack`, post('{}'), 400, 'bad_request', /note is missing/],
    ['an empty note', `${LIST}/ID/ack`, post('{"note":" "}'), 400, 'bad_request', /note is empty/],
    ['a note that is a number', `${LIST}/ID/ack`, post('{"note":1}'), 400, 'bad_request', /not a text/],
    ['two lines', `${LIST}/ID/ack`, post('{"note":"a\\nb"}'), 400, 'bad_request', /one line/],
    ['a long note', `${LIST}/ID/ack`, post(`{"note":"${'x'.repeat(401)}"}`), 400, 'bad_request', /400/],
    ['more than a note', `${LIST}/ID/ack`, post('{"note":"x","who":"y"}'), 400, 'bad_request', /"who"/],
    ['a huge body', `${LIST}/ID/ack`, post(' '.repeat(65537)), 413, 'payload_too_large', /65536/],
    [
      'one that is not there',
      `${LIST}/inc-0000-0000/ack`,
      post('{"note":"x"}'),
      404,
      'not_found',
      /inc-0000/,
    ],
  ]

function post(body: string | Buffer): Wanted {
  return { method: 'POST', body }
}

test('what is refused is a problem that says the next step, and changes nothing', async (t) => {
  const server = await started(t)
  const { id } = await server.catalog.report(INCIDENT)
  for (const [title, path, asked, status, code, detail] of REFUSED) {
    const reply = await ask(server, path.replace('ID', id), asked)
    assert.equal(reply.status, status, `${title}: ${reply.text}`)
    assert.equal(reply.headers['content-type'], 'application/problem+json', title)
    const problem = json(reply)
    assert.deepEqual([problem.status, problem.code], [status, code], title)
    assert.match(String(problem.detail), detail, title)
    assert.ok(String(problem.next).length >= 8, title)
    assert.equal('www-authenticate' in reply.headers, status === 401, title)
    assert.ok(!reply.text.includes('0123456789'), 'no token is repeated')
  }
  const allowed = async (path: string) => (await ask(server, path, { method: 'PUT' })).headers.allow
  assert.equal(await allowed(LIST), 'GET, HEAD')
  assert.equal(await allowed(`${LIST}/${id}/ack`), 'POST')
  assert.equal((await server.catalog.totals()).openIncidents, 1)
})

test('without tokens nobody may look, and the next step is said', async (t) => {
  const server = await startServer(t)
  const reply = await ask(server, LIST)
  assert.equal(reply.status, 403)
  assert.match(String(json(reply).next), /may: \[audit\]/)
})

test('what only looks like the API is none of it', async (t) => {
  const server = await started(t, '/goproxy')
  for (const path of [
    '/apis',
    '/api.example.com/m/@v/list',
    '/goproxyapi/v1/incidents',
    '/x/api/v1/incidents',
  ])
    assert.notEqual((await ask(server, path)).headers['content-type'], 'application/problem+json', path)
})
