import type { LdapServer } from '../../config/access/ldap.ts'
import { type ErrorDetails, ModsteadError } from '../../errors.ts'
import type { Peer } from '../failures.ts'

/** How messages name a server. */
export function peerOf({ host }: LdapServer): Peer {
  return { label: `the directory ${host}` }
}

/** The directory cannot do what it was asked. */
export function unavailable(server: LdapServer, sentence: string, details: ErrorDetails = {}): ModsteadError {
  return new ModsteadError('directory_unavailable', `${peerOf(server).label} ${sentence}`, details)
}

/** An error of connecting, by what the rooms of origins say of it. */
export function connectFailure(server: LdapServer, error: unknown): ModsteadError {
  if (!(error instanceof ModsteadError))
    return unavailable(server, `cannot be reached: ${textOf(error)}`, { cause: error })
  if (error.code === 'directory_unavailable') return error
  const trust = /certificate/.test(error.message)
  return new ModsteadError('directory_unavailable', error.message, {
    cause: error,
    next: trust
      ? 'set access.ldap.ca to the authority of its certificate, and its url to a name that the certificate has'
      : 'check access.ldap.url, and whether this machine may reach that port',
  })
}

/** Result codes of RFC 4511, section 4.1.9, and what whoever runs this server can do about them. */
const RESULTS: ReadonlyMap<number, readonly [sentence: string, next?: string]> = new Map([
  [
    1,
    ['could not do that (operationsError)', 'Active Directory says so before a bind: set access.ldap.bindDn'],
  ],
  [3, ['took longer than it allows itself (timeLimitExceeded)']],
  [
    4,
    [
      'would give more entries than it allows (sizeLimitExceeded)',
      'raise its size limit for the bindDn of this server',
    ],
  ],
  [8, ['asks for a stronger way to bind (strongerAuthRequired)', 'use ldaps://, or startTls: true']],
  [
    10,
    [
      'refers to another server (referral), and referrals are not followed',
      'set access.ldap.url and base to the server that has the entries',
    ],
  ],
  [
    11,
    [
      'would give more entries than it allows (adminLimitExceeded)',
      'raise its limits for the bindDn of this server',
    ],
  ],
  [13, ['asks for encryption (confidentialityRequired)', 'use ldaps://, or startTls: true']],
  [
    32,
    [
      'has no such entry (noSuchObject), or none that this server may see',
      'check base in access.ldap.users and .groups, and what the bindDn may read',
    ],
  ],
  [34, ['takes a name for none (invalidDNSyntax)', 'check base and bindDn in access.ldap']],
  [
    49,
    ['refuses the bindDn or its password (invalidCredentials)', 'check access.ldap.bindDn and .bindPassword'],
  ],
  [
    50,
    [
      'does not let this server read that (insufficientAccessRights)',
      'give the bindDn the right to read users and groups',
    ],
  ],
  [51, ['is busy']],
  [52, ['is not available']],
  [
    53,
    [
      'is unwilling to do that (unwillingToPerform)',
      'its log tells why; many allow no searches before a bind, or without TLS',
    ],
  ],
])

/** The number of a result that was not success; `undefined` for what is none. */
export function resultCode(error: unknown): number | undefined {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'number' ? code : undefined
}

/** What came of a request: a result that was not success, a broken connection, or no answer in time. */
export function requestFailure(server: LdapServer, doing: string, error: unknown): ModsteadError {
  if (error instanceof ModsteadError) return error
  const code = resultCode(error)
  const known = code === undefined ? undefined : RESULTS.get(code)
  if (known !== undefined) {
    const [sentence, next] = known
    return unavailable(server, `${sentence}, ${doing}`, { cause: error, ...(next !== undefined && { next }) })
  }
  if (code !== undefined) return unavailable(server, `failed with result ${code}, ${doing}`, { cause: error })
  const text = textOf(error)
  if (/timed out/.test(text)) return unavailable(server, `did not answer in time, ${doing}`, { cause: error })
  return unavailable(server, `broke the connection, ${doing}`, { cause: error })
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
