/**
 * The one place that maps reasons to HTTP statuses, and to the text a person reads at a terminal.
 *
 * A status decides what `go` does: 404 makes it go on to the next proxy of its list (and to `direct`), everything
 * else stops it there. So 404 stands for true absence only, and an outage is never one.
 */
import { type ErrorCode, ModsteadError } from '../errors.ts'

/** What a code means to the outside. `cause` and `next` are sentences; both stand in docs/errors.md. */
export interface Meaning {
  status: number
  cause: string
  next: string
  /** Seconds after which asking again may help. */
  retryAfter?: number
}

export const MEANINGS: Readonly<Record<ErrorCode, Meaning>> = {
  bad_request: {
    status: 400,
    cause:
      'The request is not one that this server can understand: broken HTTP, no Host, a query in the address.',
    next: 'Set GOPROXY to the address of this server without a query, and look at what stands between the client and it.',
  },
  bad_path: {
    status: 400,
    cause: 'The address does not hold a module path in its escaped form.',
    next: 'Write upper-case letters as ! and their lower case, escape once, and leave out empty and dotted elements.',
  },
  bad_version: {
    status: 400,
    cause: 'The version is not canonical, or cannot be a version of this module.',
    next: 'Ask for /@v/QUERY.info first: its answer names the version whose .mod and .zip can be had.',
  },
  no_endpoint: {
    status: 404,
    cause: 'There is nothing at this address: it is neither a module request nor one of the pages.',
    next: 'Module requests end in /@v/list, /@latest or /@v/VERSION.info, .mod or .zip.',
  },
  method_not_allowed: {
    status: 405,
    cause: 'This address can only be read.',
    next: 'Use GET or HEAD.',
  },
  uri_too_long: {
    status: 414,
    cause: 'The address is longer than 2048 characters, which no module needs.',
    next: 'Check what builds the address.',
  },
  headers_too_large: {
    status: 431,
    cause: 'The headers of the request are larger than 16 KiB.',
    next: 'Send fewer or smaller headers; cookies for this host are not needed.',
  },
  payload_too_large: {
    status: 413,
    cause:
      'The body of the request is larger than this endpoint takes: of a module zip 500 MiB, as go accepts them.',
    next: 'Send less, or take large files out of the module; the answer names the limit.',
  },
  unsupported_media_type: {
    status: 415,
    cause: 'The body of the request is of a type that this endpoint does not read, or compressed.',
    next: 'Send application/json, uncompressed.',
  },
  bad_signature: {
    status: 403,
    cause:
      'The request does not prove that its sender knows the secret: no signature, a wrong or an old one.',
    next: 'Set the same secret at the sender and in the configuration of this server, and compare the clocks.',
  },
  overloaded: {
    status: 503,
    cause: 'More arrives at the same time than this server has room for.',
    next: 'Ask again in a moment.',
    retryAfter: 5,
  },
  rate_limited: {
    status: 429,
    cause: 'This client asks for more than its share.',
    next: 'Ask again in a minute.',
    retryAfter: 60,
  },
  request_timeout: {
    status: 408,
    cause: 'The request did not arrive whole in time.',
    next: 'Ask again; if it happens often, look at the network between the client and this server.',
  },
  precondition_failed: {
    status: 412,
    cause: 'The file is not the one that the If-Match or If-Unmodified-Since header of the request names.',
    next: 'Ask again without the header.',
  },
  range_not_satisfiable: {
    status: 416,
    cause: 'The range that was asked for lies beyond the end of the file.',
    next: 'Ask for a range within the size that Content-Range names, or for the whole file.',
  },
  loop: {
    status: 508,
    cause: 'The request has been through this server before: one of its origins leads back to it.',
    next: 'Take the address of this server out of the origin list (also out of GOPROXY where it runs).',
  },
  not_found: {
    status: 404,
    cause: 'No origin has this module or version.',
    next: 'Check the spelling; for a private module, that a route leads to its origin.',
  },
  not_stored: {
    status: 404,
    cause: 'It is not stored here, and the request forbids fetching it.',
    next: 'Ask without the header Disable-Module-Fetch.',
  },
  fetch_disabled: {
    status: 403,
    cause:
      'It is not stored here, and the route of this module allows no fetching. No 404: go would look elsewhere.',
    next: 'Ask who runs this server for a route with an origin.',
  },
  private_name: {
    status: 403,
    cause: 'The name is private here, and is never sent to a public checksum database.',
    next: 'Set GONOSUMDB (or GOPRIVATE) to the pattern, so that go does not ask for it.',
  },
  deleted: {
    status: 410,
    cause: 'This version was deleted here, and can only come back with the same contents.',
    next: 'Use another version; who runs this server can say more.',
  },
  version_not_allowed: {
    status: 403,
    cause: 'The map of versions holds this module at another version, and refuses the zips of the rest.',
    next: 'Use the version that go list -m MODULE@latest gives, or ask who runs this server.',
  },
  unauthenticated: {
    status: 401,
    cause: 'The request has no token or password, or one that this server does not know.',
    next: 'Send a token as "Authorization: Bearer TOKEN" or as the password of HTTP Basic; go sends what ~/.netrc has, over https.',
  },
  not_permitted: {
    status: 403,
    cause: 'Whoever asks is known, but may not do this; or this server has no tokens at all.',
    next: 'Use another token or account, or ask who runs this server for the right to do it.',
  },
  directory_unavailable: {
    status: 503,
    cause: 'The directory of users (LDAP) could not be asked who this is and in which groups.',
    next: 'Ask again later; who runs this server finds the reason in its log, or with: modstead access ldap test.',
    retryAfter: 10,
  },
  publish_disabled: {
    status: 403,
    cause: 'Modules of this path cannot be published to, or deleted from, this server.',
    next: 'Who runs it can allow that in the configuration: see docs/publishing.md.',
  },
  bad_zip: {
    status: 422,
    cause: 'What was sent is not the module zip of this version. Nothing was kept.',
    next: 'Make the zip with modstead publish, which says what is wrong before it sends anything.',
  },
  version_conflict: {
    status: 409,
    cause: 'This version is known with other contents, and a version never changes.',
    next: 'Publish the new contents under a new version.',
  },
  quota_exceeded: {
    status: 507,
    cause: 'The tenant has no room left for it.',
    next: 'Delete versions that nobody needs, or ask who runs this server for a larger quota.',
  },
  upstream_unreachable: {
    status: 502,
    cause: 'An origin could not be reached: no address, no connection, or no TLS.',
    next: 'Ask again later; who runs this server finds the reason in its log.',
  },
  upstream_timeout: {
    status: 504,
    cause: 'An origin did not answer in time.',
    next: 'Ask again later.',
  },
  upstream_refused: {
    status: 502,
    cause: 'An origin refused the request (401, 403, 407 or 429).',
    next: 'Who runs this server has to check the credentials and limits of that origin.',
  },
  upstream_failed: {
    status: 502,
    cause: 'An origin answered with a failure of its own.',
    next: 'Ask again later.',
  },
  upstream_invalid: {
    status: 502,
    cause: 'An origin gave something that breaks the rules of modules or of the protocol. It was not kept.',
    next: 'Tell who runs that origin; another origin may have the module.',
  },
  upstream_page: {
    status: 502,
    cause: 'A web page came instead of a file: most often a sign-in form between this server and the origin.',
    next: 'Who runs this server has to check the URL of that origin, and what stands on the way to it.',
  },
  checksum_mismatch: {
    status: 502,
    cause:
      'What came does not have the hash that is known of it. It was not kept, and an incident was recorded.',
    next: 'Tell who runs this server, with the number of the incident: someone may have replaced the module.',
  },
  checksum_invalid: {
    status: 502,
    cause: 'The answers of the checksum database do not agree with its signed log. They were not used.',
    next: 'Tell who runs this server: the database, or something on the way to it, is not what it claims to be.',
  },
  checksum_missing: {
    status: 502,
    cause: 'The checksum database does not know this version, so that nothing proves it.',
    next: 'For a private module, route its path as private; otherwise ask again later.',
  },
  log_refused: {
    status: 503,
    cause:
      'The checksum log of this server signs nothing, so that it cannot contradict what it signed before.',
    next: 'The administrator of this server has to look at it: docs/checksum-database.md says how to go on.',
  },
  checksum_unavailable: {
    status: 503,
    cause: 'The checksum database could not be asked, and unproven contents are not given.',
    next: 'Ask again later.',
    retryAfter: 30,
  },
  config_invalid: {
    status: 500,
    cause: 'The configuration of this server is not valid.',
    next: 'Who runs this server finds the line with: modstead config check.',
  },
  data_folder: {
    status: 500,
    cause: 'The data folder cannot be used: not writable, in use by another process, or of a newer modstead.',
    next: 'Who runs this server finds the reason in its log.',
  },
  listen_failed: {
    status: 500,
    cause: 'The server could not listen on a configured address.',
    next: 'Choose another address with --listen, or stop what uses this one.',
  },
  store_unavailable: {
    status: 503,
    cause: 'The store of this server cannot be read or written now.',
    next: 'Ask again later; who runs this server should look at its disk.',
    retryAfter: 10,
  },
  audit_unavailable: {
    status: 503,
    cause: 'What is done here is recorded in an audit log, which cannot be written now; so nothing is done.',
    next: 'Ask again later; who runs this server should look at /readyz and at its disk.',
    retryAfter: 10,
  },
  aborted: {
    status: 503,
    cause: 'The request was given up before it was answered.',
    next: 'Ask again.',
  },
  shutting_down: {
    status: 503,
    cause: 'This server is shutting down.',
    next: 'Ask again in a moment.',
    retryAfter: 5,
  },
  internal: {
    status: 500,
    cause: 'This server failed for a reason that it did not expect.',
    next: 'Ask again; who runs this server finds the reason in its log.',
  },
}

/** A refusal ready to be sent: `headers` as a flat list of names and values, Content-Length included. */
export interface Refusal {
  status: number
  headers: string[]
  body: string
}

/** The most that `go` shows of an answer, less a margin: bytes, where each line break counts as two. */
export const MOST_BYTES = 640

/** What is said of an error: each one line, clean enough for a terminal. */
export interface RefusalWords {
  code: ErrorCode
  status: number
  cause: string
  next: string
  /** Its id. */
  incident?: string
  /** Under which the audit log has the refusal. */
  decision?: string
}

/** What is sent for an error. What is not a ModsteadError is `internal`, and its message stays in the log. */
export function refusalFor(error: unknown, decision?: string): Refusal {
  return refusalIn('text/plain; charset=utf-8', error, decision, ({ cause, next, incident }) =>
    [cause, next, ...idLines(incident, decision), ''].join('\n'),
  )
}

function idLines(incident: string | undefined, decision: string | undefined): string[] {
  return [
    ...(incident === undefined ? [] : [`Incident: ${incident}`]),
    ...(decision === undefined ? [] : [`Decision: ${decision}`]),
  ]
}

/** The same in another form: `write` makes the body. */
export function refusalIn(
  contentType: string,
  error: unknown,
  decision: string | undefined,
  write: (words: RefusalWords) => string,
): Refusal {
  const code = codeOf(error)
  const meaning = MEANINGS[code]
  const body = write({
    code,
    status: meaning.status,
    ...wordsFor(error, meaning, decision),
    ...(decision !== undefined && { decision }),
  })
  const headers = [
    'Content-Type',
    contentType,
    'Content-Length',
    String(Buffer.byteLength(body)),
    'Cache-Control',
    'no-store',
    'X-Content-Type-Options',
    'nosniff',
  ]
  if (code === 'method_not_allowed') headers.push('Allow', allowOf(error) ?? 'GET, HEAD')
  if (code === 'unauthenticated') headers.push('WWW-Authenticate', 'Basic realm="modstead", Bearer')
  const { retryAfter = meaning.retryAfter, headers: more = [] } = error instanceof ModsteadError ? error : {}
  if (retryAfter !== undefined) headers.push('Retry-After', String(retryAfter))
  headers.push(...more)
  return { status: meaning.status, headers, body }
}

export function codeOf(error: unknown): ErrorCode {
  return error instanceof ModsteadError ? error.code : 'internal'
}

function allowOf(error: unknown): string | undefined {
  return error instanceof ModsteadError ? error.allow : undefined
}

/** Four lines at most: the cause, the next step, the incident, the decision. The cause gives way when they are too long. */
function wordsFor(
  error: unknown,
  meaning: Meaning,
  decision: string | undefined,
): Pick<RefusalWords, 'cause' | 'next' | 'incident'> {
  const known = error instanceof ModsteadError && error.code !== 'internal' ? error : undefined
  const next = clean(known?.next ?? '', 240) || meaning.next
  const incident = known?.incident === undefined ? undefined : clean(known.incident, 70)
  const rest = [next, ...idLines(incident, decision)]
  const cause = clean(known?.message ?? '', MOST_BYTES - cost(rest) - 2) || meaning.cause
  return { cause, next, ...(incident !== undefined && { incident }) }
}

function cost(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 2, 0)
}

/** Text in one line, of graphic characters and single spaces, cut to `most` bytes. */
function clean(text: string, most: number): string {
  const line = text
    .toWellFormed()
    .replace(/\s+/gu, ' ')
    .replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, '?')
    .trim()
  if (Buffer.byteLength(line) <= most) return line
  const room = Buffer.from(line).subarray(0, most - 3)
  // The cut may have split a character, which then decodes to U+FFFD.
  return `${room.toString().replace(/\uFFFD+$/u, '')}...`
}
