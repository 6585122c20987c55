/** A server where people sign in, on a real catalog and before a real provider, with a clock that is moved by hand. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { SignInDesk } from './access/browser/sign-in.ts'
import type { Credential } from './access/credential.ts'
import type { AuditFacts } from './audit/event.ts'
import { createTestTrail } from './audit/trail.fixture.ts'
import { type IdentityProvider, startIdentityProvider } from './access/oidc/testing/identity-provider.ts'
import { type Browser, openBrowser, type Page } from './access/oidc/testing/browser.ts'
import { quietPort } from './access/oidc/testing/free-port.ts'
import { peopleOf } from './access/people.ts'
import { openSqliteCatalog } from './catalog/sqlite-catalog.ts'
import type { OidcProvider } from './config/access/access-config.ts'
import { createTableProxy, NO_RECORDS, startServer } from './http/http.fixture.ts'
import type { TenantSite } from './http/sites.ts'
import { createTestObserver, temporaryFolder } from './observe/test-support.ts'
import { openIssued } from './open-issued.ts'
import { openSignIn } from './open-sign-in.ts'

export const HOUR = 3_600_000
export const DAY = 24 * HOUR

export const ALICE = {
  preferred_username: 'alice',
  nickname: 'alice',
  email: 'alice@corp.example',
  email_verified: true,
}

export interface SignInSetUp {
  accounts?: Record<string, Record<string, unknown>>
  /** Entries of `access.oidc`; default: one, `idp`. */
  providers?: Record<string, Partial<OidcProvider>>
  /** More claims than the usual ones. */
  claims?: readonly string[]
  refreshTokens?: boolean
  endSession?: boolean
  /** The provider speaks TLS. */
  tls?: { cert: string; key: string }
  backchannel?: boolean
  password?: { judge: Credential; knows: (user: string) => Promise<boolean> }
  groups?: ReadonlyMap<string, readonly string[]>
  prefix?: string
  /** People sign in at a tenant of this name, and not at the server itself. */
  tenant?: string
}

export interface SignInPlace {
  idp: IdentityProvider
  base: string
  port: number
  clock: { now: number }
  desk: SignInDesk
  issued: Awaited<ReturnType<typeof openIssued>>
  /** What the audit log was told. */
  audited: readonly AuditFacts[]
  /** All that was logged. */
  logs(): string
  /** The bytes of the catalog and of what belongs to it. */
  catalogFiles(): Promise<Buffer[]>
  /** Signs in from the first page to the last, and gives that. */
  signIn(browser: Browser, as?: string, options?: { then?: string; provider?: string }): Promise<Page>
  /** Up to where the provider sends the browser back: the URL of that. */
  comeBack(browser: Browser, as?: string, options?: { then?: string; provider?: string }): Promise<URL>
}

export async function setSignIn(t: TestContext, options: SignInSetUp = {}): Promise<SignInPlace> {
  const { providers = { idp: {} }, tenant, groups = new Map() } = options
  const prefix = tenant === undefined ? (options.prefix ?? '') : `/t/${tenant}`
  const scope = tenant ?? ''
  const port = await quietPort()
  const base = `http://127.0.0.1:${port}${prefix}`
  const observer = createTestObserver()
  const clock = { now: Date.now() }
  const idp = await startIdentityProvider(t, {
    redirectUris: Object.keys(providers).map((name) => `${base}/auth/callback/${name}`),
    postLogoutRedirectUris: [`${base}/auth/signin`],
    accounts: options.accounts ?? { 7: ALICE },
    claims: options.claims ?? ['groups', 'groups_direct', 'realm_access', 'resource_access'],
    ...(options.refreshTokens !== undefined && { refreshTokens: options.refreshTokens }),
    ...(options.tls !== undefined && { tls: options.tls }),
    ...(options.endSession !== undefined && { endSession: options.endSession }),
    ...(options.backchannel === true && { backchannelLogoutUri: `${base}/auth/backchannel-logout/idp` }),
  })
  const folder = await temporaryFolder(t)
  const catalog = await openSqliteCatalog(join(folder, 'catalog.db'), { observer })
  const closing: (() => Promise<void>)[] = [() => catalog.close()]
  const now = () => clock.now
  const issuedConfig = {
    lifetime: DAY,
    refresh: 30 * DAY,
    rotate: 30 * DAY,
    outage: DAY,
    algorithm: 'HS512',
  } as const
  const issued = await openIssued({
    access: { issued: issuedConfig, workloads: [] },
    records: catalog,
    observer,
    env: {},
    closing,
    issuer: base,
    scope,
    now,
  })
  const oidc = Object.entries(providers).map(([name, more]) => ({ ...usualProvider(idp, name), ...more }))
  const desk = await openSignIn({
    access: { issued: issuedConfig, oidc },
    people: peopleOf(groups),
    passwords: options.password,
    scope,
    issued,
    records: catalog,
    observer,
    env: {},
    closing,
    now,
  })
  t.after(async () => {
    for (const close of closing.toReversed()) await close()
  })
  const publicUrl = `http://127.0.0.1:${port}`
  const own = { listen: [{ host: '127.0.0.1', port }], publicUrl }
  const audit = createTestTrail()
  const { observer: http } = await startServer(
    t,
    tenant === undefined
      ? { audit, desk, issued, config: { ...own, pathPrefix: prefix } }
      : { audit, tenants: [tenantSite({ name: tenant, publicUrl, desk, issued })], config: own },
  )

  const place: SignInPlace = {
    idp,
    base,
    port,
    clock,
    desk,
    issued,
    audited: audit.events,
    logs: () => JSON.stringify([...observer.lines, ...http.lines]),
    catalogFiles: async () =>
      Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name)))),
    async comeBack(browser, as = '7', { then = '/auth', provider = 'idp' } = {}) {
      const begin = `${base}/auth/signin/${provider}?${new URLSearchParams({ return: then }).toString()}`
      const back = (url: URL) => url.href.startsWith(`${base}/auth/callback/`)
      const form = await browser.go(begin, undefined, back)
      // Who is signed in there already is sent back at once.
      if (form.headers.location !== undefined) return new URL(form.headers.location, form.url)
      const page = await browser.go(form.url, { form: { login: as } }, back)
      if (page.headers.location === undefined)
        throw new Error(`${page.url.href} said ${page.status}: ${page.text}`)
      return new URL(page.headers.location, page.url)
    },
    signIn: async (browser, as, options) => browser.go(await place.comeBack(browser, as, options)),
  }
  return place
}

export function usualProvider(
  idp: Pick<IdentityProvider, 'issuer' | 'clientId' | 'clientSecret'>,
  name: string,
): OidcProvider {
  return {
    name,
    label: 'Corp',
    type: 'gitlab',
    issuer: idp.issuer,
    clientId: idp.clientId,
    clientSecret: idp.clientSecret,
    clientAuth: 'basic',
    scopes: ['openid', 'profile', 'email'],
    subject: 'preferred_username',
    userPrefix: '',
    groups: ['groups'],
    groupPrefix: '',
    require: new Map(),
    userinfo: true,
  }
}

/** A site with sign-ins, and nothing else. */
function tenantSite({
  name,
  publicUrl,
  ...site
}: Pick<TenantSite, 'name' | 'desk' | 'issued'> & { publicUrl: string }): TenantSite {
  const config = {
    pathPrefix: '',
    publicUrl,
    routes: [],
    sumdb: [],
    vanity: [],
    hooks: new Map(),
    tokens: [],
  }
  return {
    ...site,
    name,
    hosts: [],
    config,
    proxy: createTableProxy(),
    databases: [],
    records: NO_RECORDS,
    pushes: { onPush: () => 'unknown' },
  }
}

/** The value of a hidden field. */
export function fieldIn({ text }: Page, name: string): string {
  return new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? ''
}

/** The cookie of the session. */
export function cookieOf(browser: Browser, base: string): string | undefined {
  return browser.cookies.get(new URL(base).host)?.get('modstead')
}

export { openBrowser }
