import { createBrowserSessions } from './access/browser/browser-sessions.ts'
import { createPendingSignins } from './access/browser/pending-signin.ts'
import type { SignInDesk } from './access/browser/sign-in.ts'
import type { AuthRecords } from './access/issued/records.ts'
import type { Rechecked, SignIn } from './access/issued/sessions.ts'
import { createLogoutTokens } from './access/oidc/logout-token.ts'
import type { Account } from './access/oidc/account.ts'
import type { Provider } from './access/oidc/provider.ts'
import { createSignins } from './access/oidc/signins.ts'
import type { People } from './access/people.ts'
import type { AccessConfig } from './config/access/access-config.ts'
import type { Observer } from './observe/observer.ts'
import type { Passwords } from './open-access.ts'
import type { Issued } from './open-issued.ts'
import type { ProviderFetch } from './origin/provider-fetch.ts'

export interface OpenSignInOptions {
  access: Pick<AccessConfig, 'oidc' | 'issued'>
  people: People
  /** Absent: nobody has a password. */
  passwords?: Passwords | undefined
  issued: Issued
  records: AuthRecords
  observer: Observer
  /** For HTTP(S)_PROXY and NO_PROXY. */
  env: Readonly<Record<string, string | undefined>>
  /** The name of the tenant; default: `''`. */
  scope?: string
  /** What is to be closed at the end. */
  closing: (() => Promise<void>)[]
  /** Milliseconds since the epoch. For tests; default: the clock. */
  now?: () => number
}

/** Joins what signing in with a browser takes, and lets sessions ask the providers again. Throws `config_invalid`. */
export async function openSignIn(options: OpenSignInOptions): Promise<SignInDesk> {
  const { access, people, passwords, issued, records, observer, scope = '', now = Date.now } = options
  const { outage } = access.issued
  const { providers, fetches } = await openProviders(options, now)
  const onFailure = (error: unknown, provider: string): void =>
    observer.log.warn({ err: error, provider }, 'a provider of sign-ins could not be asked, or refused')
  const signins = createSignins({ records, scope, providers, now, onFailure })

  /** Who it is by now; `undefined` once that has ended. */
  async function renew({
    account,
    via,
    upstream,
  }: Pick<SignIn, 'via' | 'upstream'> & { account: Account }): Promise<Account | undefined> {
    if (via === 'password') return (await passwords?.knows(account.id)) === true ? account : undefined
    if (upstream === undefined) return undefined
    const renewed = await signins.renew(upstream)
    if ('account' in renewed) return renewed.account
    return 'last' in renewed && now() - renewed.checked < outage ? renewed.last : undefined
  }

  issued.sessions.recheckWith('oidc', async ({ principal, upstream }): Promise<Rechecked> => {
    if (upstream === undefined) return 'gone'
    const renewed = await signins.renew(upstream)
    if ('last' in renewed) return 'unavailable'
    if ('ended' in renewed) return 'gone'
    const { id, groups, claims } = renewed.account
    return { principal: { kind: principal.kind, id, groups, claims } }
  })
  issued.sessions.recheckWith('password', async ({ principal }): Promise<Rechecked> =>
    (await passwords?.knows(principal.id)) === true ? { principal } : 'gone',
  )

  return {
    providers,
    ...(passwords && { password: passwords.judge }),
    pending: createPendingSignins({ records, scope, now }),
    signins,
    browsers: createBrowserSessions({ records, scope, now, sweep: issued.sweep, renew }),
    logoutTokens: createLogoutTokens({
      records,
      scope,
      now,
      onFailure,
      async get({ config: { name } }, url) {
        const response = await fetches
          .get(name)!
          .fetch(url, { method: 'GET', headers: { accept: 'application/json' } })
        if (response.status !== 200) throw new Error(`${url} answered with ${response.status}`)
        return new Uint8Array(await response.arrayBuffer())
      },
    }),
    devices: issued.devices,
    sessions: issued.sessions,
    people,
  }
}

interface OpenProviders {
  providers: Map<string, Provider>
  fetches: Map<string, ProviderFetch>
}

/** Loaded where there is one: a server whose people have passwords is spared the library. */
async function openProviders(
  { access, issued, env, closing }: OpenSignInOptions,
  now: () => number,
): Promise<OpenProviders> {
  const opened: OpenProviders = { providers: new Map(), fetches: new Map() }
  if (access.oidc.length === 0) return opened
  const [{ createProvider }, { createProviderFetch }] = await Promise.all([
    import('./access/oidc/provider.ts'),
    import('./origin/provider-fetch.ts'),
  ])
  for (const config of access.oidc) {
    const { name, ca } = config
    const outside = createProviderFetch({ name, env, ...(ca !== undefined && { ca }) })
    closing.push(() => outside.close())
    opened.fetches.set(name, outside)
    const redirectUri = `${issued.issuer}/auth/callback/${name}`
    const { fetch } = outside
    opened.providers.set(name, createProvider({ config, redirectUri, fetch, now }))
  }
  return opened
}
