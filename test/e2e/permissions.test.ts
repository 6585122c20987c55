// The permission matrix: every role, at every endpoint, of its own site and of others.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AUTH_ENDPOINTS } from '../../server/src/http/auth/auth.ts'
import { AUTH_PAGES } from '../../server/src/http/auth/pages/pages.ts'
import { PAGES, SETTINGS_PAGE } from '../../server/src/config/fixed-paths.ts'
import { LOG_VIEWS } from '../../server/src/http/log-answers.ts'
import { REQUEST_KINDS } from '../../server/src/http/traffic.ts'
import {
  ANONYMOUS,
  type Asker,
  KNOWN,
  type PermissionStage,
  type Place,
  PLACES,
  setPermissions,
  type Got,
  type SiteName,
  SITES,
} from '../support/permission-stage.ts'
import { NONE, type Row, tableWith, type Who } from '../support/permission-table.ts'

interface Case {
  row: Row
  place: Place
  /** Whose credential it is, and of which site. */
  asker: Asker
  from: SiteName
  who: Who
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']
/** What memory never has. */
const NEVER_WARM = ['publish', 'delete', 'page', 'vanity', 'hook', 'log', 'api', 'auth', 'other']
/** Who is asked at `beta`, the other tenant: somebody with each kind of credential. */
const FEW = KNOWN.filter(({ name }) => ['root', 'viewer-of-a', 'ann', 'only-reads'].includes(name))
/** Who comes from other sites: the administrator, and one with a token from the database that all sites share. */
const STRANGERS = KNOWN.filter(({ name }) => ['root', 'only-reads'].includes(name))

function cases(table: readonly Row[]): Case[] {
  const all: Case[] = []
  for (const row of table)
    for (const place of PLACES) {
      const { site } = place
      if (row.sites?.includes(site) === false) continue
      for (const asker of [ANONYMOUS, ...(site === 'beta' ? FEW : KNOWN)])
        all.push({ row, place, asker, from: site, who: asker })
      for (const from of SITES)
        if (from !== site)
          for (const asker of STRANGERS) all.push({ row, place, asker, from, who: 'unproven' })
    }
  return all
}

const pathOf = ({ path }: Row, site: SiteName) => (typeof path === 'string' ? path : path(site))

function askAs(stage: PermissionStage, { row, place, asker, from }: Case, method = row.method): Promise<Got> {
  const { headers, body } = row
  return stage.send(place, pathOf(row, place.site), {
    method,
    headers: { ...headers, ...stage.credential(from, asker) },
    ...(body !== undefined && { body }),
  })
}

async function atOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values()
  const lane = async () => {
    for (const item of left) await work(item)
  }
  await Promise.all(Array.from({ length: 16 }, lane))
}

function titleOf({ row, place, asker, from }: Case): string {
  return `${asker.name} of ${from}: ${row.method} ${pathOf(row, place.site)} at ${place.title}`
}

test('the permission matrix', async (t) => {
  const stage = await setPermissions(t)
  const table = tableWith(stage.spare)
  const all = cases(table)

  await t.test('has a row for everything that the code has', async () => {
    const named = (kind: string) =>
      new Set(table.flatMap((row) => (row.kind === kind && row.name ? [row.name] : [])))
    assert.deepEqual(
      new Set(table.map(({ kind }) => kind)),
      new Set<string>(REQUEST_KINDS),
      'kinds of requests',
    )
    assert.deepEqual(named('log'), new Set([...LOG_VIEWS, 'tile']))
    assert.deepEqual(
      named('auth'),
      new Set([...Object.keys(AUTH_ENDPOINTS), ...AUTH_PAGES.map((path) => `page ${path}`)]),
    )
    const pages = table.filter(({ kind }) => kind === 'page').map(({ path }) => path)
    assert.deepEqual(new Set(pages), new Set(['/', SETTINGS_PAGE, ...PAGES]))
    for (const place of PLACES) {
      const { text } = await stage.send(place, '/api/v1/openapi.json')
      const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, unknown>> }
      const described = Object.entries(paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
      )
      assert.deepEqual(named('api'), new Set(described), place.title)
    }
  })

  await t.test(
    'cold and from memory, and a refusal says the same of what is there and what is not',
    async () => {
      /** The first of each sort. */
      const wrong = new Map<string, string>()
      const refusals = new Map<string, string>()
      const ids = Object.values(stage.spare)
      const masked = (text: string) =>
        ids.reduce((masked, id) => masked.replaceAll(id, NONE), text).replaceAll('/nix', '/lib')
      for (const round of ['cold', 'warm']) {
        const again = round === 'cold' ? all : all.filter(({ row }) => !NEVER_WARM.includes(row.kind))
        await atOnce(again, async (one) => {
          const { row, place } = one
          const expected = row.rule(one.who, place.site)
          const { status, headers, text } = await askAs(stage, one)
          const sort = `${round} ${row.method} ${pathOf(row, place.site)}`
          if (!expected.includes(status))
            wrong.set(
              `${sort} ${status}`,
              `${round} ${titleOf(one)}: ${status} instead of ${expected.join()}: ${text.slice(0, 200)}`,
            )
          if (status < 400 || row.body !== undefined) return
          const { 'content-length': _, date: __, ...more } = headers
          const refusal = masked(`${JSON.stringify(more)} ${text}`)
          const key = masked(`${titleOf(one)} ${status}`)
          const before = refusals.get(key) ?? refusal
          refusals.set(key, before)
          if (before !== refusal) wrong.set(`${sort} differs`, `${titleOf(one)}: ${refusal} and ${before}`)
        })
      }
      assert.deepEqual([...wrong.values()], [])
    },
  )

  await t.test('HEAD is like GET', async () => {
    const wrong = new Set<string>()
    const reads = all.filter(
      ({ row, asker, from, place }) =>
        row.method === 'GET' && from === place.site && ['nobody', 'root', 'bare'].includes(asker.name),
    )
    await atOnce(reads, async (one) => {
      const [get, head] = [await askAs(stage, one), await askAs(stage, one, 'HEAD')]
      const facts = ({ status, headers }: Got) => [status, headers['content-type'], headers.etag]
      if (head.text !== '' || JSON.stringify(facts(get)) !== JSON.stringify(facts(head)))
        wrong.add(`${titleOf(one)}: ${JSON.stringify([facts(get), facts(head), head.text])}`)
    })
    assert.deepEqual([...wrong], [])
  })

  await t.test('other methods are told so', async () => {
    const wrong = new Set<string>()
    const root = KNOWN.find(({ name }) => name === 'root')!
    const tries = PLACES.flatMap((place) => {
      const here = table.filter(({ sites }) => sites?.includes(place.site) !== false)
      const paths = Map.groupBy(here, (row) => pathOf(row, place.site).split('?', 1)[0]!)
      return [...paths].flatMap(([path, rows]) => {
        const known = new Set(rows.map(({ method }) => method))
        // Any version can be published and deleted, so far as who asks and where is concerned.
        if (/\/@v\/v[^/]*\.zip$/.test(path)) known.add('PUT')
        const nothing = rows.every(
          // What is deleted at an address of its own cannot be read there.
          ({ kind, rule }) => kind === 'other' || kind === 'delete' || rule(root, place.site).includes(404),
        )
        return METHODS.filter((method) => !known.has(method)).map((method) => ({
          place,
          path,
          method,
          nothing,
        }))
      })
    })
    await atOnce(tries, async ({ place, path, method, nothing }) => {
      const headers = stage.credential(place.site, root)
      const { status, headers: got, text } = await stage.send(place, path, { method, headers })
      const allow = got.allow?.split(', ') ?? []
      const right =
        status === 405
          ? allow.length > 0 && !allow.includes(method)
          : nothing && (status === 404 || status === 400)
      if (!right)
        wrong.add(`${method} ${path} at ${place.title}: ${status} ${allow.join()} ${text.slice(0, 200)}`)
    })
    assert.deepEqual([...wrong], [])
  })
})
