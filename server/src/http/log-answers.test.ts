import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ModsteadError } from '../errors.ts'
import type { Evidence } from '../sumdb/log/evidence.ts'
import { ask, startServer } from './http.fixture.ts'
import type { AuditedLog } from './log-answers.ts'

const TOKEN = 'auditor-token-0123456'
const tokens = [{ name: 'auditor', token: TOKEN, may: ['audit'] as const }]
const auditor = { headers: { authorization: `Bearer ${TOKEN}` } }

/** Says what it was asked. */
const evidence: Evidence = {
  inclusion: async (id, size = 9) => ({ id, size, root: 'r', leaf: 'l', proof: ['p'] }),
  async consistency(from, to = 9) {
    if (to > 9) throw new ModsteadError('not_found', 'not so large')
    return { from, fromRoot: 'f', to, toRoot: 't', proof: [] }
  },
  feed: async (from, limit) => [
    { Id: limit, Path: JSON.stringify(from), Version: 'v1.0.0', Timestamp: '2026-01-01T00:00:00.000Z' },
  ],
}
const log: AuditedLog = {
  name: 'sum.corp.example/log',
  evidence: async () => evidence,
  checkpoints: async () => ({
    newest: () => Buffer.from('checkpoint'),
    witnesses: () => [{ witness: 'w1.example', cosigned: { size: 7, at: 1_700_000_000_000 } }],
  }),
  log: async () => ({
    tile: async ({ level, index, width }) =>
      level === 0 && index === 0 && width <= 7 ? Buffer.alloc(32 * width, width) : undefined,
    records: async (id, count) =>
      Array.from({ length: Math.min(count, 7 - id) }, (_, i) => ({
        at: 0,
        record: Buffer.from(`r${id + i}\n`),
      })),
  }),
}

test('proofs are for everybody, under the prefix too', async (t) => {
  for (const pathPrefix of ['', '/go']) {
    const { port } = await startServer(t, { log, config: { pathPrefix } })
    const base = `${pathPrefix}/tlog/sum.corp.example/log`
    const inclusion = await ask(port, `${base}/proof/inclusion?id=3&size=7`)
    assert.equal(inclusion.headers['content-type'], 'application/json')
    assert.deepEqual(JSON.parse(inclusion.text), { id: 3, size: 7, root: 'r', leaf: 'l', proof: ['p'] })
    const consistency = await ask(port, `${base}/proof/consistency?from=3`)
    assert.deepEqual(JSON.parse(consistency.text), { from: 3, fromRoot: 'f', to: 9, toRoot: 't', proof: [] })
    assert.equal((await ask(port, `${base}/proof/consistency?from=3&to=10`)).status, 404)
  }
})

test('checkpoints and hash tiles are for everybody, entries for auditors', async (t) => {
  const { port } = await startServer(t, { log, config: { tokens } })
  const base = '/tlog/sum.corp.example/log'
  const checkpoint = await ask(port, `${base}/checkpoint`)
  assert.deepEqual([checkpoint.text, checkpoint.headers['cache-control']], ['checkpoint', 'no-cache'])
  assert.match(String(checkpoint.headers['content-type']), /^text\/plain/)
  const tile = await ask(port, `${base}/tile/0/000.p/3`)
  assert.equal(tile.text, '\x03'.repeat(96))
  assert.match(String(tile.headers['cache-control']), /immutable/)
  assert.equal((await ask(port, `${base}/tile/0/000.p/8`)).status, 404)
  assert.equal((await ask(port, `${base}/tile/8/0/000.p/3`)).status, 400)
  assert.equal((await ask(port, `${base}/tile/0/000.p/3?x=1`)).status, 400)
  assert.equal((await ask(port, `${base}/tile/entries/000.p/2`)).status, 401)
  const entries = await ask(port, `${base}/tile/entries/000.p/2`, auditor)
  assert.equal(entries.text, '\0\x03r0\n\0\x03r1\n')
  assert.equal(entries.headers['cache-control'], 'private, no-store')
  assert.equal((await ask(port, `${base}/tile/entries/000.p/8`, auditor)).status, 404)
  const witnesses = await ask(port, `${base}/witnesses`)
  assert.deepEqual(JSON.parse(witnesses.text), [
    { witness: 'w1.example', cosigned: { size: 7, at: 1_700_000_000_000 } },
  ])
})

test('the feed is for auditors, from a time or an id', async (t) => {
  const { port } = await startServer(t, { log, config: { tokens } })
  const base = '/tlog/sum.corp.example/log/index'
  assert.equal((await ask(port, base)).status, 401)
  for (const [query, from, limit] of [
    ['', '{"since":0}', 2000],
    ['?since=2026-01-01T00:00:00Z&limit=5', '{"since":1767225600000}', 5],
    ['?since=2026-01-01T02:00:00.5%2B02:00', '{"since":1767225600500}', 2000],
    ['?id=12', '{"id":12}', 2000],
  ] as const) {
    const { status, text, headers } = await ask(port, base + query, auditor)
    assert.equal(status, 200, query)
    assert.equal(headers['cache-control'], 'private, no-store')
    const { Path, Id } = JSON.parse(text)
    assert.deepEqual([Path, Id], [from, limit])
  }
})

test('what cannot be read is refused with a sentence', async (t) => {
  const { port } = await startServer(t, { log, config: { tokens } })
  const base = '/tlog/sum.corp.example/log'
  for (const [path, status, says] of [
    ['/proof/inclusion', 400, /id is missing/],
    ['/proof/inclusion?id=-1', 400, /must be a number/],
    ['/proof/inclusion?id=1e3', 400, /must be a number/],
    ['/proof/inclusion?id=99999999999999999', 400, /must be a number/],
    ['/proof/inclusion?id=1&id=2', 400, /twice/],
    ['/proof/inclusion?id=1&sizes=2', 400, /means nothing/],
    ['/index?since=yesterday', 400, /RFC 3339/],
    ['/index?since=2026-01-01T00:00:00Z&id=1', 400, /exclude/],
    ['/other', 404, /nothing at this address/],
    ['/', 404, /nothing at this address/],
  ] as const) {
    const reply = await ask(port, base + path, auditor)
    assert.equal(reply.status, status, path)
    assert.match(reply.text, says, path)
  }
  assert.equal((await ask(port, `${base}/index`, { ...auditor, method: 'POST' })).status, 405)
  assert.equal((await ask(port, '/tlog/other/index', auditor)).status, 404)
})
