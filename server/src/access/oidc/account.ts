import type { OidcProvider } from '../../config/access/access-config.ts'

/** Somebody as a provider describes them. */
export interface Account {
  /** The name here: with the prefix of the provider. */
  id: string
  groups: readonly string[]
  /** What rules may look at: short values only. */
  claims: Readonly<Record<string, unknown>>
}

export type Claims = Readonly<Record<string, unknown>>

/** The most groups that are taken of one person, and the longest name of one in characters. */
const MOST_GROUPS = 2_000
const LONGEST = 256
/** The most claims that are kept of one person. */
const MOST_CLAIMS = 40

/**
 * Who it is that a provider describes by these claims, or the sentence that says why it is nobody here. Names of groups
 * that no binding could name are left out.
 *
 * A name that is an e-mail address counts only where the provider says that it has verified that very address (OpenID
 * Connect Core 1.0, section 5.7: it is neither unique nor stable otherwise).
 */
export function accountOf(claims: Claims, provider: OidcProvider): Account | string {
  const { subject, require, userPrefix, groupPrefix, type } = provider
  for (const [claim, value] of require)
    if (!hasValue(claimAt(claims, claim), value)) return `the claim ${claim} is not what this server asks for`
  const name = claimAt(claims, subject)
  if (typeof name !== 'string' || !isName(userPrefix + name))
    return `the claim ${subject} is missing, or cannot be a name here`
  if ((subject === 'email' || name.includes('@')) && !isVerified(name, claims))
    return 'its name is an e-mail address that it does not say to have verified'
  const groups = provider.groups
    .flatMap((path) => textsIn(claimAt(claims, path)))
    // Keycloak writes groups as paths from a root.
    .map((group) => groupPrefix + (type === 'keycloak' ? group.replace(/^\//, '') : group))
    .filter(isName)
  return {
    id: userPrefix + name,
    groups: [...new Set(groups)].slice(0, MOST_GROUPS),
    claims: shortClaims(claims),
  }
}

/**
 * What stands at a path such as `resource_access.go.corp.example.roles`: parts of it may have dots themselves, and the
 * longest that is there is taken.
 */
export function claimAt(claims: unknown, path: string): unknown {
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) return undefined
  if (Object.hasOwn(claims, path)) return (claims as Claims)[path]
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const key = path.slice(0, dot)
    if (Object.hasOwn(claims, key)) return claimAt((claims as Claims)[key], path.slice(dot + 1))
  }
  return undefined
}

/** Bindings can name it: no spaces, colons, control characters. */
function isName(text: string): boolean {
  return text.length <= LONGEST && /^[^\s:\p{Cc}]+$/u.test(text)
}

function isVerified(name: string, { email, email_verified: verified }: Claims): boolean {
  return verified === true && email === name
}

function hasValue(found: unknown, wanted: string | undefined): boolean {
  if (found === undefined || found === null) return false
  if (wanted === undefined) return true
  return (Array.isArray(found) ? found : [found]).some(
    (value) => typeof value !== 'object' && String(value) === wanted,
  )
}

function textsIn(claim: unknown): string[] {
  if (typeof claim === 'string') return [claim]
  return Array.isArray(claim) ? claim.filter((item) => typeof item === 'string') : []
}

/** Of the protocol alone, and nothing about the person. */
const PROTOCOL = new Set([
  'aud',
  'exp',
  'iat',
  'nbf',
  'jti',
  'nonce',
  'at_hash',
  'c_hash',
  'sid',
  'azp',
  'typ',
])

function shortClaims(claims: Claims): Claims {
  const short = Object.entries(claims).filter(
    ([name, value]) =>
      !PROTOCOL.has(name) &&
      name.length <= LONGEST &&
      (typeof value === 'boolean' ||
        typeof value === 'number' ||
        (typeof value === 'string' && value.length <= LONGEST)),
  )
  return Object.fromEntries(short.slice(0, MOST_CLAIMS))
}
