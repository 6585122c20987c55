import type { Credential } from './access/credential.ts'
import { createAccessJwt } from './access/issued/access-jwt.ts'
import { createDevices, type Devices } from './access/issued/devices.ts'
import { createIssuedTokens } from './access/issued/issued-tokens.ts'
import type { AuthRecords } from './access/issued/records.ts'
import { createSessions, type Sessions } from './access/issued/sessions.ts'
import { createSweep } from './access/issued/sweep.ts'
import { givenKeys, keptKeys } from './access/issued/signing-keys.ts'
import { type OutlastOptions, outlastAuthRecords } from './access/outlast.ts'
import type { People } from './access/people.ts'
import type { Workloads } from './access/workloads/workloads.ts'
import type { AccessConfig } from './config/access/access-config.ts'
import type { Observer } from './observe/observer.ts'
import type { OpenKeysOptions } from './open-keys.ts'

/** No exchanged token lives longer. Milliseconds. */
const A_DAY = 86_400_000

export interface OpenIssuedOptions extends OpenKeysOptions {
  access: Pick<AccessConfig, 'issued' | 'workloads'>
  records: AuthRecords
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
  /** Absent where no workloads are known. */
  workloads?: Workloads
  /** Called when there may be something to clean up of what signing in leaves behind. */
  sweep: () => void
  /** Judges the access tokens. Its place is before those of other issuers. */
  credential: (people: People) => Credential
}

export async function openIssued(options: OpenIssuedOptions): Promise<Issued> {
  const { access, observer, issuer, scope = '', now = Date.now } = options
  const { records, looks } = outlastAuthRecords(options.records, outlastOf(observer, now))
  const { lifetime, refresh, rotate, outage, algorithm, keys: given } = access.issued
  const keys =
    given === undefined
      ? keptKeys({ records: looks, scope, algorithm, rotate, lifetime: Math.max(lifetime, A_DAY) })
      : givenKeys(given, algorithm)
  const jwt = createAccessJwt(issuer, keys)
  const sweep = createSweep(records, now, (error) =>
    observer.log.warn({ err: error }, 'sessions that have expired could not be removed'),
  )
  const sessions = createSessions({
    records,
    looks,
    scope,
    jwt,
    lifetime,
    refresh,
    outage,
    now,
    sweep,
    warn: (fields, sentence) => observer.log.warn(fields, sentence),
  })
  return {
    issuer,
    sessions,
    sweep,
    devices: createDevices({ records, scope, sessions, sweep, now }),
    credential: (people) => createIssuedTokens({ jwt, sessions, people }),
    ...(access.workloads.length > 0 && { workloads: await openWorkloads(options, sessions, now) }),
  }
}

/** Loaded where it is needed, as for issuers of other tokens. */
async function openWorkloads(
  options: OpenIssuedOptions,
  sessions: Sessions,
  now: () => number,
): Promise<Workloads> {
  const [{ createWorkloads }, { openKeys }] = await Promise.all([
    import('./access/workloads/workloads.ts'),
    import('./open-keys.ts'),
  ])
  const keysOf = openKeys(options)
  return createWorkloads({
    issuers: options.access.workloads,
    keyFor: ({ name, issuer, keys }) => keysOf(name, issuer, keys),
    sessions,
    now,
  })
}

/** Counts what goes on for a time while the catalog cannot be read. */
export function outlastOf(observer: Observer, now: () => number): OutlastOptions {
  const used = observer.counter(
    'modstead_auth_outage_looks_total',
    'Tokens and sessions that counted as last read, because the catalog could not be read.',
  )
  return { now, onUse: () => used.add(1) }
}
