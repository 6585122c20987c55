import { z } from 'zod'

/**
 * What the events of the audit log are about:
 *
 *     authentication   a credential was judged: taken (once in a while for each, see docs/audit.md), or not
 *     refusal          401, 403 or 429 to somebody whose credential was right, or who presented none
 *     download         a file of a version: .info, .mod or .zip, whatever came of it
 *     list             a list of versions, or what a query stands for
 *     checksum         look-ups, tiles and heads of checksum databases
 *     publish, delete  of a version, whatever came of it
 *     hook             a push hook
 *     admin            the administrative API, commands that change something, and what the log does with itself
 */
export const EVENT_TYPES = [
  'authentication',
  'refusal',
  'download',
  'list',
  'checksum',
  'publish',
  'delete',
  'hook',
  'admin',
] as const
export type EventType = (typeof EVENT_TYPES)[number]

/**
 * `ok`: let in, be it as nobody; `failed`: the credential is wrong; `expired`: it was right once; `blocked_by_circuit`:
 * it was not looked at, after too many wrong ones; `denied`: it is right, or none was presented, and that is not enough.
 */
const AUTH_RESULTS = ['ok', 'failed', 'denied', 'expired', 'blocked_by_circuit'] as const
export type AuthResult = (typeof AUTH_RESULTS)[number]

const PRINCIPAL_KINDS = ['user', 'service', 'workload', 'anonymous'] as const

const text = (most: number, meaning: string) => z.string().max(most).describe(meaning)

/** One event, version 1. Every field is always there: `''` or 0 where it has nothing to say. */
export const auditEventSchema = z.strictObject({
  schema: z.literal(1).describe('Version of this schema. It grows when a field changes its meaning or goes.'),
  seq: z.int().min(1).describe('Number of the event in its log, from 1, without gaps.'),
  event_id: z
    .string()
    .regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
    .describe('ULID: unique, and sorts by time.'),
  timestamp: z.iso.datetime({ precision: 3 }).describe('UTC, RFC 3339, milliseconds.'),
  request_id: text(64, 'X-Request-Id of the request where it was sane, else one that was made.'),
  trace_id: z
    .string()
    .regex(/^([0-9a-f]{32})?$/)
    .describe('Of the traceparent header (W3C Trace Context).'),
  client_ip: text(64, 'Address of the client; `unix` for a Unix socket, empty for commands.'),
  user_agent: text(200, 'As the client says, cut to 200 characters.'),
  user_principal: text(300, 'Who asked, masked as configured; empty for nobody.'),
  principal_kind: z.enum(PRINCIPAL_KINDS).describe('What that is.'),
  tenant: text(256, 'The tenant of the request.'),
  event_type: z.enum(EVENT_TYPES).describe('What the event is about.'),
  auth_result: z.enum(AUTH_RESULTS).describe('What came of the question who asks, and whether they may.'),
  kind: text(32, 'Kind of request, as in modstead_http_requests_total.'),
  module: text(2048, 'Module path.'),
  version: text(512, 'Version.'),
  status: z.int().min(0).max(599).describe('HTTP status; 0 for commands.'),
  bytes: z.int().min(0).describe('Bytes of the body that were sent.'),
  code: text(64, 'Code of docs/errors.md, or `aborted` where the client left.'),
  decision_id: text(64, 'Of a refusal: the client was told it, too.'),
  action: text(256, 'What was done, for hooks and administrative acts.'),
  detail: text(400, 'More about it.'),
  count: z
    .int()
    .min(1)
    .describe(
      'How many such events this one stands for; more than 1 for sums of what nobody in particular did.',
    ),
})

export type AuditEvent = z.output<typeof auditEventSchema>

/** What whoever records an event knows of it; the rest of the fields is filled in. */
export type AuditFacts = Partial<Omit<AuditEvent, 'schema' | 'seq' | 'event_id' | 'timestamp'>> &
  Pick<AuditEvent, 'event_type' | 'auth_result'>

/** The JSON Schema (draft 2020-12) of an event. */
export function auditJsonSchema(): Record<string, unknown> {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'modstead audit event',
    ...z.toJSONSchema(auditEventSchema, { target: 'draft-2020-12' }),
  }
}
