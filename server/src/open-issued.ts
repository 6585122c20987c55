import type { Credential } from './access/credential.ts'
import { createAccessJwt } from './access/issued/access-jwt.ts'
import { createDevices, type Devices } from './access/issued/devices.ts'
import { createIssuedTokens } from './access/issued/issued-tokens.ts'
import type { AuthRecords } from './access/issued/records.ts'
import { createSessions, type Sessions } from './access/issued/sessions.ts'
import { givenKeys, keptKeys } from './access/issued/signing-keys.ts'
import type { AccessConfig } from './config/access/access-config.ts'
import type { Observer } from './observe/observer.ts'

export interface OpenIssuedOptions {
  access: Pick<AccessConfig, 'issued' | 'groups'>
  records: AuthRecords
  observer: Observer
  /** Where clients reach this site: `iss` and `aud` of its tokens. */
  issuer: string
  /** The name of the tenant; default: `''`. */
  scope?: string
  /** Milliseconds since the epoch. For tests; default: the clock. */
  now?: () => number
}

/** What this server issues itself: who has proven who they are begins a session here, whatever they did it with. */
export interface Issued {
  issuer: string
  sessions: Sessions
  devices: Devices
  /** Judges the access tokens. Its place is before those of other issuers. */
  credential: Credential
}

/** An exchange gives no longer one, in milliseconds. */
const LONGEST_EXCHANGE = 3_600_000

export function openIssued(options: OpenIssuedOptions): Issued {
  const { access, records, observer, issuer, scope = '', now = Date.now } = options
  const { lifetime, refresh, rotate, outage, algorithm, keys: given } = access.issued
  const keys =
    given === undefined
      ? keptKeys({ records, scope, algorithm, rotate, lifetime: Math.max(lifetime, LONGEST_EXCHANGE) })
      : givenKeys(given, algorithm)
  const jwt = createAccessJwt(issuer, keys)
  const sessions = createSessions({
    records,
    scope,
    jwt,
    lifetime,
    refresh,
    outage,
    now,
    warn: (fields, sentence) => observer.log.warn(fields, sentence),
  })
  return {
    issuer,
    sessions,
    devices: createDevices({ records, scope, sessions, now }),
    credential: createIssuedTokens({ jwt, sessions, groups: access.groups }),
  }
}
