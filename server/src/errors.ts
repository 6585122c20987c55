/**
 * The closed list of reasons for which modstead does not give what was asked. One stable code a reason;
 * `http/statuses.ts` maps each to its HTTP status and `docs/errors.md` explains each to people.
 */
export type ErrorCode =
  // the request itself
  | 'bad_request'
  | 'bad_path'
  | 'bad_version'
  | 'no_endpoint'
  | 'method_not_allowed'
  | 'uri_too_long'
  | 'headers_too_large'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'bad_signature'
  | 'overloaded'
  | 'rate_limited'
  | 'request_timeout'
  | 'precondition_failed'
  | 'range_not_satisfiable'
  | 'loop'
  // what is asked for
  | 'not_found'
  | 'not_stored'
  | 'fetch_disabled'
  | 'private_name'
  | 'deleted'
  | 'version_not_allowed'
  // publishing and deleting
  | 'unauthenticated'
  | 'not_permitted'
  | 'directory_unavailable'
  | 'publish_disabled'
  | 'bad_zip'
  | 'version_conflict'
  | 'quota_exceeded'
  // where modules come from
  | 'upstream_unreachable'
  | 'upstream_timeout'
  | 'upstream_refused'
  | 'upstream_failed'
  | 'upstream_invalid'
  | 'upstream_page'
  // what proves them
  | 'checksum_mismatch'
  | 'checksum_invalid'
  | 'checksum_missing'
  | 'checksum_unavailable'
  | 'log_refused'
  // modstead itself
  | 'config_invalid'
  | 'data_folder'
  | 'listen_failed'
  | 'store_unavailable'
  | 'audit_unavailable'
  | 'aborted'
  | 'shutting_down'
  | 'internal'

export interface ErrorDetails {
  /** What a person at the terminal can do next: one sentence, no line break. */
  next?: string
  /** The incident that this refusal belongs to. */
  incident?: string
  /** The configured name of the origin that failed. */
  origin?: string
  /** For `method_not_allowed`: the methods that are allowed, as the Allow header has them. Default: `GET, HEAD`. */
  allow?: string
  /** Seconds after which asking again may help. Default: what the code says. */
  retryAfter?: number
  /** More headers of the answer, names and values in turn. */
  headers?: readonly string[]
  /** For `unauthenticated`: what the audit log says of the credential. The client is told none of it. */
  proof?: FailedProof
  cause?: unknown
}

/** Why a credential proves nobody. */
export interface FailedProof {
  result: 'failed' | 'expired' | 'blocked_by_circuit'
  /** Whose it would be: only names that are known here, for people type passwords where names belong. */
  principal?: { id: string; kind: 'user' | 'service' | 'workload' }
}

/** The one error type of the server. `message` names the cause in one sentence, without secrets. */
export class ModsteadError extends Error {
  override readonly name = 'ModsteadError'
  readonly code: ErrorCode
  readonly next: string | undefined
  readonly incident: string | undefined
  readonly origin: string | undefined
  readonly allow: string | undefined
  readonly retryAfter: number | undefined
  readonly headers: readonly string[] | undefined
  readonly proof: FailedProof | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.next = details.next
    this.incident = details.incident
    this.origin = details.origin
    this.allow = details.allow
    this.retryAfter = details.retryAfter
    this.headers = details.headers
    this.proof = details.proof
  }
}

/** The id of the incident that an error belongs to. */
export function incidentOf(error: unknown): string | undefined {
  return error instanceof ModsteadError ? error.incident : undefined
}

/** True absence, which an origin has said: the only failure that lets a `,` list go on. */
export function isAbsence(error: unknown): error is ModsteadError {
  return error instanceof ModsteadError && error.code === 'not_found'
}
