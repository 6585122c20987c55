import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { peopleOf } from '../../access/people.ts'
import { createAccess } from '../../access/access.ts'
import { createDecide } from '../../access/decide.ts'
import { createIdentify } from '../../access/identify.ts'
import { createAccessTokens, type TokenRecord } from '../../access/tokens/access-tokens.ts'
import { createConfigTokens } from '../../access/tokens/config-tokens.ts'
import { issueToken } from '../../access/tokens/issue-token.ts'
import { USUAL } from '../../access/issued/issued.fixture.ts'
import type { AuditFacts } from '../../audit/event.ts'
import { createTestTrail } from '../../audit/trail.fixture.ts'
import type { Sessions } from '../../access/issued/sessions.ts'
import { openIssued } from '../../open-issued.ts'
import { openSqliteCatalog } from '../../catalog/sqlite-catalog.ts'
import type { AccessConfig } from '../../config/access/access-config.ts'
import type { Permission } from '../../config/permissions.ts'
import { createTestObserver, temporaryFolder } from '../../observe/test-support.ts'
import { ask, type Asked, type Reply, type Running, startServer } from '../http.fixture.ts'
import { apiEndpoints } from './endpoints.ts'

/** Bindings that give each built-in role to the user of that name, and a developer whose role holds for one team. */
const BINDINGS: AccessConfig['bindings'] = [
  ...['admin', 'operator', 'publisher', 'developer', 'viewer'].map((role) => ({
    to: [{ kind: 'user' as const, name: role }],
    role,
  })),
  { to: [{ kind: 'user', name: 'keeper' }], role: 'keeper' },
  { to: [{ kind: 'group', name: 'team' }], role: 'developer', modules: ['corp.example/team'] },
]
const ACCESS = {
  anonymous: ['*'],
  groups: new Map([['ann', ['team']]]),
  admins: [{ kind: 'user', name: 'root' }],
  roles: new Map<string, readonly Permission[]>([
    ['auditor', ['audit:read']],
    ['keeper', ['policy:write', 'token:create']],
  ]),
  bindings: BINDINGS,
} satisfies Partial<AccessConfig>

export interface ApiServer extends Running {
  sessions: Sessions
  /** What the audit log was told. */
  audited: readonly AuditFacts[]
  /** A token of a user, made as the command makes it. */
  tokenFor(name: string, more?: Partial<TokenRecord>): Promise<string>
  /** A request with a token, and what came as JSON. */
  call(token: string, path: string, asked?: Asked): Promise<Reply & { json: Record<string, unknown> }>
}

/** A server with a real catalog behind it, and every answer held against what the description says of it. */
export async function startApi(t: TestContext): Promise<ApiServer> {
  const path = join(await temporaryFolder(t), 'catalog.db')
  const catalog = await openSqliteCatalog(path, { observer: createTestObserver() })
  t.after(() => catalog.close())
  const tokens = [{ name: 'ci', token: 'ci-0123456789abcdef', may: ['publish'] }] as const
  const { groups } = ACCESS
  const onTouchFailed = (error: unknown) => {
    throw error
  }
  const issued = await openIssued({
    access: { issued: USUAL, workloads: [] },
    records: catalog,
    issuer: 'https://go.corp.example',
    observer: createTestObserver(),
    env: {},
    closing: [],
  })
  const access = createAccess({
    identify: createIdentify({
      credentials: [
        createConfigTokens(tokens),
        createAccessTokens({ records: catalog, people: peopleOf(groups), onTouchFailed }),
        issued.credential(peopleOf(groups)),
      ],
    }),
    decide: createDecide(ACCESS, { isPrivate: (module) => module.startsWith('corp.example') }),
    open: false,
    closed: false,
  })
  const configuration = () => ({ pathPrefix: '' })
  const audit = createTestTrail()
  const running = await startServer(t, {
    audit,
    records: catalog,
    access,
    configuration,
    issued,
    config: { tokens, access: ACCESS },
  })
  const { log } = running.observer
  const config = { access: ACCESS, tokens }
  const { sessions } = issued
  const known = apiEndpoints({
    configuration,
    sessions,
    records: catalog,
    access,
    config,
    proxy: running.proxy,
    log,
    version: '0',
  })
  return {
    ...running,
    sessions,
    audited: audit.events,
    async tokenFor(name, more = {}) {
      const owner = { kind: 'user', name } as const
      const { token, record } = issueToken({ owner, note: '', ...more }, Date.now())
      await catalog.addToken({ ...record, ...more })
      return token
    },
    async call(token, path, asked = {}) {
      const headers = {
        ...(token !== '' && { Authorization: `Bearer ${token}` }),
        ...(asked.body !== undefined && { 'Content-Type': 'application/json' }),
        ...asked.headers,
      }
      const reply = await ask(running.port, `/api/v1${path}`, { ...asked, headers })
      const json = JSON.parse(reply.text) as Record<string, unknown>
      if (reply.status < 300) check(asked.method ?? 'GET', path, json)
      return { ...reply, json }
    },
  }

  function check(method: string, path: string, json: object): void {
    const parts = path.split('?')[0]!.split('/')
    const fits = (pattern: string) =>
      pattern.split('/').length === parts.length &&
      pattern.split('/').every((part, i) => part.startsWith(':') || part === parts[i])
    const found = known.find((one) => one.method === method && fits(one.path))
    if (found === undefined) throw new Error(`${method} ${path} is not described`)
    found.gives.parse(json)
  }
}
