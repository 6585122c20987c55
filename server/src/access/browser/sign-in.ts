import type { Credential } from '../credential.ts'
import type { Devices } from '../issued/devices.ts'
import type { Sessions } from '../issued/sessions.ts'
import type { Provider } from '../oidc/provider.ts'
import type { LogoutTokens } from '../oidc/logout-token.ts'
import type { Signins } from '../oidc/signins.ts'
import { joinPerson } from '../join-person.ts'
import type { People } from '../people.ts'
import type { Principal } from '../principal.ts'
import type { BrowserSession, BrowserSessions } from './browser-sessions.ts'
import type { PendingSignins } from './pending-signin.ts'

/** All that signing in with a browser takes, joined. */
export interface SignInDesk {
  /** By name, in the order of the configuration. */
  providers: ReadonlyMap<string, Provider>
  /** Judges a user name and a password, as HTTP Basic does; absent: nobody has a password. */
  password?: Credential
  pending: PendingSignins
  signins: Signins
  browsers: BrowserSessions
  logoutTokens: LogoutTokens
  devices: Devices
  sessions: Sessions
  /** What is known of users whoever vouches for them. */
  people: People
}

/**
 * Whoever is signed in with a browser, at a tenant of this name where one is given; `undefined` for somebody whom the
 * directory knows no more. Rejects as `People.find`.
 */
export async function principalOf(
  { account }: Pick<BrowserSession, 'account'>,
  people: People,
  tenant?: string,
): Promise<Principal | undefined> {
  return joinPerson({ ...account, kind: 'user', ...(tenant !== undefined && { tenant }) }, people)
}

/** The sign-in that a session rests on, by what it says of itself; `undefined` for a password. */
export function signinOf(via: string): { provider: string; signin: string } | undefined {
  const [, provider, signin] = /^oidc:([^:]+):(.+)$/.exec(via) ?? []
  return provider === undefined || signin === undefined ? undefined : { provider, signin }
}

export function viaOf(provider: string, signin: string): string {
  return `oidc:${provider}:${signin}`
}
