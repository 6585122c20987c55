import type { Permission } from '../config/permissions.ts'

/** Who asks, once that was proven; or anonymous, where nothing was presented. */
export interface Principal {
  /** Name of the user, token or workload: shown, logged and recorded. `''` for anonymous. */
  id: string
  kind: 'user' | 'service' | 'workload' | 'anonymous'
  /** Names of groups, without the built-in ones. */
  groups: readonly string[]
  /** The tenant that it was identified at; absent at the site that is nobody's in particular. */
  tenant?: string
  /** What the credential said of its bearer, as far as rules may look at it; `{}` where it says nothing. */
  claims: Readonly<Record<string, unknown>>
  /** Rights that come with the credential itself, for every module: `tokens.*.may`. */
  rights: readonly Permission[]
  /** The most that may be done with this credential, whatever its bearer may; absent: everything the bearer may. */
  limit?: Limit
  /** When the credential ends, in milliseconds since the epoch; absent: not by itself, or it is not known. */
  expires?: number
  /** The credential is that of a session, which gives another before it ends: `expires` is no end of the session. */
  renewed?: boolean
}

/** What a credential was narrowed to. */
export interface Limit {
  permissions: readonly Permission[]
  /** GOPRIVATE-style patterns; absent: every module. */
  modules?: readonly string[]
}

export const ANONYMOUS: Principal = { id: '', kind: 'anonymous', groups: [], claims: {}, rights: [] }

/** How the principal is named in a sentence: `the user alice`, `the token ci`. */
export function described({ id, kind }: Principal): string {
  if (kind === 'anonymous') return 'nobody in particular'
  return kind === 'service' ? `the token ${id}` : `the ${kind} ${id}`
}
