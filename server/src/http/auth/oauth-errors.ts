import type { ErrorCode } from '../../errors.ts'
import { type Refusal, refusalIn } from '../statuses.ts'

/** Errors of RFC 6749 (section 5.2), RFC 8628 (section 3.5) and RFC 8693 (section 2.2.2). */
export type OauthError =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'authorization_pending'
  | 'slow_down'
  | 'access_denied'
  | 'expired_token'

/** What an endpoint gives that is no success: 400, but for 401 where the client is not one of ours. */
export interface OauthFailure {
  error: OauthError
  error_description: string
  /** What of the presented token is there: for the person who wrote the job. */
  claims?: Readonly<Record<string, string>>
}

export function failure(
  error: OauthError,
  description: string,
  claims?: Readonly<Record<string, string>>,
): OauthFailure {
  return { error, error_description: printable(description), ...(claims !== undefined && { claims }) }
}

/** What is sent for an error that was thrown, in the form of these endpoints and with the status of docs/errors.md. */
export function oauthRefusal(error: unknown, decision?: string): Refusal {
  return refusalIn('application/json', error, decision, ({ code, status, cause, next }) => {
    const body = {
      error: nameOf(code, status),
      error_description: printable(`${cause}: ${next}`),
      code,
      ...(decision !== undefined && { decision }),
    }
    return `${JSON.stringify(body)}\n`
  })
}

function nameOf(code: ErrorCode, status: number): string {
  if (code === 'unauthenticated') return 'invalid_token'
  if (code === 'overloaded' || code === 'rate_limited') return 'temporarily_unavailable'
  return status >= 500 ? 'server_error' : 'invalid_request'
}

/** RFC 6749 allows ASCII without quotation marks and backslashes. */
function printable(text: string): string {
  return text
    .replaceAll('"', "'")
    .replaceAll('\\', '/')
    .replaceAll(/[^\x20-\x7e]/gu, '?')
    .slice(0, 1000)
}
