import type { Principal } from '../../access/principal.ts'
import type { Exchange } from '../traffic.ts'
import { grantName } from './grants.ts'
import type { OauthError, OauthFailure } from './oauth-errors.ts'

/** What a device hears while it waits: nothing has come of it yet. */
const WAITING: readonly OauthError[] = ['authorization_pending', 'slow_down']

/** What the audit log says of a grant: who got a token, or that nobody did. */
export function grantNote(
  form: ReadonlyMap<string, string>,
  given: { access_token: string } | OauthFailure,
): Pick<Exchange, 'event' | 'detail'> {
  const detail = `grant ${grantName(form)}`
  if (!('error' in given)) {
    const principal = bearerOf(given.access_token)
    return { event: { type: 'authentication', result: 'ok', ...(principal && { principal }) }, detail }
  }
  if (WAITING.includes(given.error)) return {}
  const result = given.error === 'expired_token' ? 'expired' : 'failed'
  return { event: { type: 'authentication', result }, detail: `${detail}: ${given.error}` }
}

/** Whom a token names that we have just signed. */
function bearerOf(token: string): Pick<Principal, 'id' | 'kind'> | undefined {
  const [, payload = ''] = token.split('.')
  try {
    const { sub, kind } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
    const known = (['user', 'service', 'workload'] as const).find((one) => one === kind)
    return typeof sub === 'string' && known !== undefined ? { id: sub, kind: known } : undefined
  } catch {
    return undefined
  }
}
