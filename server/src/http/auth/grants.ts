import type { Devices } from '../../access/issued/devices.ts'
import type { IssuedSession, Sessions } from '../../access/issued/sessions.ts'
import type { Workloads } from '../../access/workloads/workloads.ts'
import { type Permission, PERMISSIONS } from '../../config/permissions.ts'
import type { ExchangeEvent } from '../traffic.ts'
import { fieldOf } from './form.ts'
import { failure, type OauthFailure } from './oauth-errors.ts'

export interface GrantsOptions {
  sessions: Pick<Sessions, 'refresh'>
  devices: Pick<Devices, 'redeem'>
  workloads?: Workloads
  /** The addresses that `audience` and `resource` may name. */
  issuer: string
}

/** A success of RFC 6749, section 5.1. */
interface Tokens {
  access_token: string
  token_type: 'Bearer'
  expires_in: number
  refresh_token?: string
  issued_token_type?: string
}

/** What is sent, and what the audit log has of it: nothing while nobody was judged. */
export interface Granted {
  reply: Tokens | OauthFailure
  event?: ExchangeEvent
  /** Which session, and of which device. */
  about?: string
}

/** The one client of ours: it is public, and proves nothing. */
export const CLIENT = 'modstead'

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const SUBJECT_TYPES = ['urn:ietf:params:oauth:token-type:jwt', 'urn:ietf:params:oauth:token-type:id_token']

/** How metrics name the grant that is asked for. */
export function grantName(form: ReadonlyMap<string, string>): string {
  const grant = form.get('grant_type') ?? ''
  if (grant === EXCHANGE) return 'exchange'
  if (grant === DEVICE) return 'device'
  return grant === 'refresh_token' ? 'refresh' : 'other'
}

/** The grants that can succeed here. */
export function grantTypes(workloads: boolean): string[] {
  return [DEVICE, 'refresh_token', ...(workloads ? [EXCHANGE] : [])]
}

/** `POST /auth/token`. Throws `bad_request`, and what the grants throw. */
export function createGrants(options: GrantsOptions) {
  const { sessions, devices, workloads, issuer } = options

  async function exchange(form: ReadonlyMap<string, string>): Promise<Granted> {
    if (workloads === undefined) return { reply: NO_EXCHANGE }
    const unfit = wrongIn(form)
    if (unfit !== undefined) return { reply: unfit }
    const asked = permissionsIn(form.get('scope'))
    if (asked === undefined)
      return {
        reply: failure('invalid_scope', `scope can have ${PERMISSIONS.join(' ')}, or be left out`),
      }
    const given = await workloads.exchange(
      fieldOf(form, 'subject_token'),
      asked.length > 0 ? asked : undefined,
    )
    if ('refused' in given)
      return {
        reply: failure('invalid_grant', given.refused, given.claims),
        event: judged(given.result),
      }
    return {
      reply: { ...bearer(given), issued_token_type: ACCESS_TOKEN },
      event: judged('ok', given.principal),
    }
  }

  /** What of the fields of an exchange is not for here. */
  function wrongIn(form: ReadonlyMap<string, string>): OauthFailure | undefined {
    const type = fieldOf(form, 'subject_token_type')
    if (!SUBJECT_TYPES.includes(type))
      return failure('invalid_request', `subject_token_type is none of ${SUBJECT_TYPES.join(', ')}`)
    if ((form.get('requested_token_type') ?? ACCESS_TOKEN) !== ACCESS_TOKEN)
      return failure('invalid_request', `requested_token_type can only be ${ACCESS_TOKEN}`)
    if (form.has('actor_token') || form.has('actor_token_type'))
      return failure('invalid_request', 'nobody acts for somebody else here: leave out actor_token')
    for (const name of ['audience', 'resource'])
      if ((form.get(name) ?? issuer).replace(/\/$/, '') !== issuer)
        return failure('invalid_target', `${name} can only be ${issuer}: leave it out`)
    return undefined
  }

  return async (form: ReadonlyMap<string, string>, signal: AbortSignal): Promise<Granted> => {
    const grant = fieldOf(form, 'grant_type')
    // A job has no client of its own: it may leave that out.
    if ((form.get('client_id') ?? (grant === EXCHANGE ? CLIENT : undefined)) !== CLIENT)
      return { reply: failure('invalid_client', `client_id can only be ${CLIENT}`) }
    switch (grant) {
      case EXCHANGE:
        return exchange(form)
      case 'refresh_token': {
        const given = await sessions.refresh(fieldOf(form, 'refresh_token'), signal)
        return 'refused' in given
          ? { reply: failure('invalid_grant', given.refused), event: judged('failed') }
          : ofSession(given)
      }
      case DEVICE: {
        const given = await devices.redeem(fieldOf(form, 'device_code'))
        if (typeof given !== 'string') return ofSession(given, given.deviceId)
        const result = DEVICE_RESULTS[given]
        return { reply: failure(given, DEVICE_WORDS[given]), ...(result && { event: judged(result) }) }
      }
      default:
        return {
          reply: failure(
            'unsupported_grant_type',
            `grant_type is none of ${grantTypes(workloads !== undefined).join(', ')}`,
          ),
        }
    }
  }
}

const DEVICE_WORDS = {
  authorization_pending: 'nobody has approved the device yet: ask again after the interval',
  slow_down: 'the device asks too often: wait five seconds more each time',
  access_denied: 'somebody refused the device',
  expired_token: 'the code of the device has expired: begin again',
  invalid_grant: 'the device_code is not valid: it was used before, has expired, or was never issued here',
} as const

/** The others say nothing of anybody. */
const DEVICE_RESULTS: Partial<Record<keyof typeof DEVICE_WORDS, ExchangeEvent['result']>> = {
  access_denied: 'denied',
  invalid_grant: 'failed',
}

const NO_EXCHANGE = failure(
  'unsupported_grant_type',
  'this server exchanges no tokens: it has no access.workloads',
)

function judged(result: ExchangeEvent['result'], principal?: IssuedSession['principal']): ExchangeEvent {
  return { type: 'authentication', result, ...(principal !== undefined && { principal }) }
}

function bearer({ accessToken, expiresIn }: { accessToken: string; expiresIn: number }): Tokens {
  return { access_token: accessToken, token_type: 'Bearer', expires_in: expiresIn }
}

function ofSession(given: IssuedSession, device?: string): Granted {
  const reply = { ...bearer(given), refresh_token: given.refreshToken }
  const about = `session ${given.sessionId}${device === undefined ? '' : ` of device ${device}`}`
  return { reply, event: judged('ok', given.principal), about }
}

/** `undefined` for words that nothing here means. */
function permissionsIn(scope = ''): Permission[] | undefined {
  const words = scope.split(' ').filter((word) => word !== '')
  const known = PERMISSIONS.filter((permission) => words.includes(permission))
  return words.every((word) => known.some((permission) => permission === word)) ? known : undefined
}
