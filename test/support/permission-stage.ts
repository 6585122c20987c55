// A server with two tenants, and somebody of every role at each of its sites.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request, type IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { generateKey } from '@modstead/gomod/note'
import { hash } from '@node-rs/bcrypt'
import { createModuleTree } from './module-tree.ts'
import { type Modstead, startModstead } from './modstead.ts'
import { createTestSumdb } from './sumdb.ts'
import { makeModule, putModule } from './test-module.ts'
import { startUpstream } from './upstream.ts'

/** `root` and `beta` let everybody read public modules, `acme` nobody who has not signed in. */
export const SITES = ['root', 'acme', 'beta'] as const
export type SiteName = (typeof SITES)[number]

/** The permissions as docs/access.md has them: written out, for this is what the server is held against. */
export type Permission =
  | 'module:read'
  | 'module:publish'
  | 'module:delete'
  | 'cache:manage'
  | 'policy:write'
  | 'token:create'
  | 'audit:read'

export const ROLES: Readonly<Record<string, readonly Permission[]>> = {
  viewer: ['module:read'],
  developer: ['module:read', 'token:create'],
  publisher: ['module:read', 'token:create', 'module:publish'],
  operator: ['module:read', 'token:create', 'module:delete', 'cache:manage', 'audit:read'],
  admin: [
    'module:read',
    'module:publish',
    'module:delete',
    'cache:manage',
    'policy:write',
    'token:create',
    'audit:read',
  ],
  // Those of the configuration.
  auditor: ['audit:read'],
  curator: ['module:publish', 'cache:manage'],
}

/** Somebody who asks, and what they may, of all modules or only those of team a. */
export interface Asker {
  name: string
  may: readonly Permission[]
  of: 'all' | 'team a'
  /** The credential says so itself, whatever its owner may. */
  narrowed?: true
  /** Not signed in. */
  nobody?: true
}

const bound = Object.entries(ROLES).flatMap(([role, may]): Asker[] => [
  { name: role, may, of: 'all' },
  { name: `${role}-of-a`, may, of: 'team a' },
])
const configured: Asker[] = [
  { name: 'may-publish', may: ['module:publish'], of: 'all' },
  { name: 'may-delete', may: ['module:delete'], of: 'all' },
  { name: 'may-audit', may: ['audit:read'], of: 'all' },
  { name: 'bare', may: [], of: 'all' },
  { name: 'root', may: ROLES.admin!, of: 'all' },
]
/** Tokens of the administrator that are good for less. */
const narrowed: (Asker & { modules?: string[] })[] = [
  { name: 'only-reads', may: ['module:read'], of: 'all', narrowed: true },
  { name: 'only-audits', may: ['audit:read'], of: 'all', narrowed: true },
  {
    name: 'only-of-a',
    may: ROLES.admin!,
    of: 'team a',
    narrowed: true,
    modules: ['corp.example/a', 'up.example/a'],
  },
]
const user: Asker = { name: 'ann', may: ROLES.developer!, of: 'all' }

export const ANONYMOUS: Asker = { name: 'nobody', may: [], of: 'all', nobody: true }
/** Whoever has proven at a site who they are. */
export const KNOWN: readonly Asker[] = [...bound, ...configured, ...narrowed, user]

/** A way to a site: below a path, or by a host name. */
export interface Place {
  site: SiteName
  title: string
  path: string
  host: string
}

export const PLACES: readonly Place[] = [
  { site: 'root', title: 'the root', path: '', host: 'go.corp.example' },
  ...(['acme', 'beta'] as const).flatMap((site) => [
    { site, title: `/t/${site}`, path: `/t/${site}`, host: 'go.corp.example' },
    { site, title: `the host of ${site}`, path: '', host: `go.${site}.example` },
  ]),
]

/** The logs of their own that sites have; `beta` has none. */
export const LOGS = { root: 'sum.corp.example', acme: 'sum.acme.example', beta: undefined } as const
export const MIRROR = 'sum.test.example'

export interface Sent {
  method?: string
  headers?: Record<string, string>
  body?: string | Buffer
}

export interface Got {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

export interface PermissionStage {
  modstead: Modstead
  /** The headers with which somebody of a site proves it. */
  credential(site: SiteName, { name }: Asker): Record<string, string>
  send(place: Place, path: string, sent?: Sent): Promise<Got>
  /** The id of a token that nobody uses, of each site. */
  spare: Readonly<Record<SiteName, string>>
}

const secretOf = (site: SiteName, name: string) => `${site}-${name}-0123456789abcdef`
const basic = (name: string, password: string) =>
  `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`

/** Published by the administrator of each site. */
export const PUBLISHED = ['a', 'b'].flatMap((team) =>
  ['v1.0.0', 'v1.9.0'].map((version) => makeModule({ module: `up.example/${team}/lib`, version })),
)

export async function setPermissions(t: TestContext): Promise<PermissionStage> {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-permissions-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const tree = createModuleTree()
  for (const module of ['corp.example/a/lib', 'corp.example/b/lib', 'example.com/open'])
    putModule(tree, makeModule({ module, version: 'v1.0.0' }))
  const upstream = await startUpstream({ tree })
  t.after(() => upstream.close())
  const sumdb = createTestSumdb({ tree, seed: Buffer.alloc(32, 7) })
  const database = await startUpstream({ answer: (path) => sumdb.answer(path) })
  t.after(() => database.close())
  for (const site of SITES) {
    const line = await hash(secretOf(site, 'ann'), { cost: 4 })
    await writeFile(join(folder, site), `ann:${line.replace(/^\$2b/, '$2y')}\n`)
  }
  const modstead = await startModstead({
    config: configOf(folder, upstream.url),
    env: {
      GOSUMDB: sumdb.gosumdb(database.url),
      LOG_KEY: generateKey(LOGS.root).skey,
      ACME_KEY: generateKey(LOGS.acme).skey,
    },
  })
  t.after(() => modstead.close())
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  t.after(() => agent.destroy())

  const issued = new Map<string, string>()
  const spare = { root: '', acme: '', beta: '' }
  function credential(site: SiteName, { name, nobody }: Asker): Record<string, string> {
    if (nobody) return {}
    if (name === user.name) return { authorization: basic(name, secretOf(site, name)) }
    return { authorization: `Bearer ${issued.get(`${site} ${name}`) ?? secretOf(site, name)}` }
  }

  function send({ path: start, host }: Place, path: string, sent: Sent = {}): Promise<Got> {
    const { body, method, headers } = sent
    const { promise, resolve, reject } = Promise.withResolvers<Got>()
    const asked = request(
      {
        host: '127.0.0.1',
        port: modstead.port,
        agent,
        path: placed(start, path),
        ...(method !== undefined && { method }),
        headers: { host, ...headers },
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.once('error', reject)
        response.once('end', () => {
          const { statusCode: status = 0, headers } = response
          resolve({ status, headers, text: Buffer.concat(chunks).toString('latin1') })
        })
      },
    )
    asked.once('error', reject)
    asked.end(body)
    return promise
  }

  for (const place of PLACES.filter(({ site, path }) => site === 'root' || path !== '')) {
    const { site } = place
    const root = credential(site, { name: 'root', may: [], of: 'all' })
    const must = async (path: string, sent: Sent, status: number) => {
      const got = await send(place, path, sent)
      if (got.status !== status) throw new Error(`${place.title} ${path}: ${got.status} ${got.text}`)
      return got
    }
    const issue = async (wanted: object) => {
      const headers = { ...root, 'content-type': 'application/json' }
      const sent = { method: 'POST', headers, body: JSON.stringify(wanted) }
      return JSON.parse((await must('/api/v1/tokens', sent, 201)).text) as { id: string; token: string }
    }
    for (const { name, may, modules } of narrowed) {
      const { token } = await issue({ can: may, ...(modules && { modules }), for: 'service:root' })
      issued.set(`${site} ${name}`, token)
    }
    spare[site] = (await issue({ for: 'user:spare' })).id
    for (const { module, version, zip } of PUBLISHED)
      await must(`/${module}/@v/${version}.zip`, { method: 'PUT', headers: root, body: zip }, 201)
  }
  return { modstead, credential, send, spare }
}

/** RFC 8414, section 3.1: the well-known part stands before the path. */
function placed(start: string, path: string): string {
  return path.startsWith('/.well-known/') ? path + start : start + path
}

function configOf(folder: string, upstream: string): string {
  const site = (name: SiteName) => `
tokens:
${[...bound, ...configured]
  .map(({ name: of, may }) => {
    const words = of.startsWith('may-') ? may.map((word) => WORDS[word] ?? word) : []
    return `  ${of}: { token: ${secretOf(name, of)}${words.length > 0 ? `, may: [${words.join(', ')}]` : ''} }`
  })
  .join('\n')}
access:
  htpasswd: ${join(folder, name)}
  admins: [service:root]
${name === 'acme' ? '  anonymous: none\n' : ''}  lockout: { addresses: false }
  roles: { auditor: [${ROLES.auditor!.join(', ')}], curator: [${ROLES.curator!.join(', ')}] }
  bindings:
    - { to: user:ann, role: developer }
${Object.keys(ROLES)
  .map(
    (role) => `    - { to: service:${role}, role: ${role} }
    - { to: service:${role}-of-a, role: ${role}, modules: "corp.example/a, up.example/a" }
`,
  )
  .join('')}
hooks: { forge: { type: generic, secret: hook-0123456789abcdef } }
vanity: [{ modules: "${name === 'root' ? 'go.corp.example/*' : `go.${name}.example/l*`}", repository: "https://git.example/{path}" }]
origins: { own: { url: "${upstream}" }, uploads: { type: upload } }
routes:
  - { modules: corp.example, from: [own], private: true, fresh: 1h, absent: 1h }
  - { modules: up.example, from: [uploads], private: true }
  - { modules: "*", from: [own], fresh: 1h, absent: 1h }
`
  const tenant = (name: SiteName) =>
    `${site(name)}\nhosts: [go.${name}.example]\nversions: [{ modules: "held.example/*", version: STABLE }]\n`.replace(
      /^(?=.)/gm,
      '    ',
    )
  return `
log: { level: warn }
${site('root')}
checksumLog: { key: "\${LOG_KEY}" }
tenants:
  acme:
${tenant('acme')}
    checksumLog: { key: "\${ACME_KEY}" }
  beta:
${tenant('beta')}
`
}

const WORDS: Partial<Record<Permission, string>> = {
  'module:publish': 'publish',
  'module:delete': 'delete',
  'audit:read': 'audit',
}
