import { request } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import type { TestContext } from 'node:test'
import { createModuleTree, type ModuleTree } from './module-tree.ts'
import { startModstead, type Modstead } from './modstead.ts'
import { createTestSumdb } from './sumdb.ts'
import { startUpstream, type Upstream } from './upstream.ts'

/** Secrets of the tokens of each site: whoever has one may do everything there. */
export const SECRETS = {
  root: 'root-0123456789abcdef',
  acme: 'acme-0123456789abcdef',
  beta: 'beta-0123456789abcdef',
} as const
export type SiteName = keyof typeof SECRETS

export interface TenantsStage {
  readonly modstead: Modstead
  /** What the origin of each site serves; `root` is that of public modules. */
  readonly trees: Readonly<Record<SiteName, ModuleTree>>
  readonly upstreams: Readonly<Record<SiteName, Upstream>>
  /** The checksum database of the public modules. */
  readonly database: Upstream
}

export interface TenantsOptions {
  /** Everybody may read everything. */
  open?: boolean
  /** More lines of the configuration of each tenant, as YAML without indentation. */
  more?: string
  /** More of acme alone. */
  acme?: string
  /** A route that acme has besides, as YAML. */
  acmeRoutes?: string
  /** More at the top level. */
  top?: string
  pathPrefix?: string
  scheme?: 'http' | 'https'
}

/**
 * A modstead with the tenants `acme` and `beta`. Each has an origin of its own for `corp.example`, uploads below
 * `up.example`, everybody with its token as its administrator, a hook and a host `go.NAME.example`.
 */
export async function setTenants(t: TestContext, options: TenantsOptions = {}): Promise<TenantsStage> {
  const {
    more = '',
    acme = '',
    acmeRoutes,
    top = '',
    pathPrefix = '',
    scheme = 'http',
    open = false,
  } = options
  const trees = { root: createModuleTree(), acme: createModuleTree(), beta: createModuleTree() }
  const upstreams: Partial<Record<SiteName, Upstream>> = {}
  for (const name of ['root', 'acme', 'beta'] as const) {
    const upstream = await startUpstream({ tree: trees[name] })
    t.after(() => upstream.close())
    upstreams[name] = upstream
  }
  const sumdb = createTestSumdb({ tree: trees.root, seed: Buffer.alloc(32, 7) })
  const database = await startUpstream({ answer: (path) => sumdb.answer(path) })
  t.after(() => database.close())
  const site = (name: SiteName) => `
tokens: { admin: { token: ${SECRETS[name]}, may: [publish, delete, audit] } }
access:
  admins: [service:admin]
${open ? '  bindings: [{ to: $all, role: viewer }]' : '  anonymous: none'}
hooks: { forge: { type: generic, secret: hook-0123456789abcdef } }
`
  const tenant = (name: SiteName) =>
    `
${site(name)}
hosts: [go.${name}.example]
origins: { own: { url: "${upstreams[name]!.url}" }, uploads: { type: upload } }
routes:
  - { modules: corp.example, from: [own], private: true, fresh: 0s, absent: 1h }
${name === 'acme' && acmeRoutes !== undefined ? `  - ${acmeRoutes}` : ''}
  - { modules: up.example, from: [uploads], private: true }
  - { modules: own.example, from: [own], checksum: off, fresh: 1h, absent: 1h }
  - { modules: "*", from: [public], fresh: 1h, absent: 1h }
inherit: [origins]
vanity: [{ modules: "go.${name}.example/*", repository: "https://git.example/${name}/{path}" }]
${more}
${name === 'acme' ? acme : ''}`.replace(/^(?=.)/gm, '    ')
  const config = `
pathPrefix: "${pathPrefix}"
log: { requests: true, format: json, level: info }
origins: { public: { url: "${upstreams.root!.url}" }, uploads: { type: upload } }
routes:
  - { modules: up.example, from: [uploads], private: true }
  - { modules: "*", from: [public], fresh: 1h, absent: 1h }
${site('root')}
${top}
tenants:
  acme:
${tenant('acme')}
  beta:
${tenant('beta')}
`
  const modstead = await startModstead({
    config,
    scheme,
    env: { GOSUMDB: sumdb.gosumdb(database.url) },
  })
  t.after(() => modstead.close())
  return { modstead, trees, upstreams: upstreams as Record<SiteName, Upstream>, database }
}

export interface Sent {
  method?: string
  headers?: Record<string, string>
  body?: Buffer | string
}

export interface Got {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

/** One request on a connection of its own, with its target as it is written. */
export function send(port: number, path: string, { body, ...options }: Sent = {}): Promise<Got> {
  const { promise, resolve, reject } = Promise.withResolvers<Got>()
  const sent = request({ host: '127.0.0.1', port, path, agent: false, ...options }, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.once('error', reject)
    response.once('end', () =>
      resolve({
        status: response.statusCode!,
        headers: response.headers,
        text: Buffer.concat(chunks).toString('latin1'),
      }),
    )
  })
  sent.once('error', reject)
  sent.end(body)
  return promise
}

export const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })
