/**
 * An event as the line of the log. The order of the fields is fixed, so that a line is made of pieces: what tells one
 * request from the next, what is the same for a connection, and what is the same for an answer. Fields that have nothing
 * to say are left out: the bytes of the file are most of what an event costs.
 */
import type { AuditEvent, AuditFacts } from './event.ts'

/** Who asked, and from where. */
export interface ClientFacts {
  client_ip: string
  user_agent: string
  /** Masked. */
  user_principal: string
  principal_kind: string
  tenant: string
}

/** What was asked for, and what came of it. */
export type AnswerFacts = Omit<AuditFacts, keyof ClientFacts | 'request_id' | 'trace_id'>

/** How every line of an event begins, and none else. */
export const EVENT_START = '{"schema":1,"seq":'

/** Its number, id and time. Ids and times need no escapes. */
export function eventHead(seq: number, id: string, timestamp: string): string {
  return `${EVENT_START}${seq},"event_id":"${id}","timestamp":"${timestamp}"`
}

/** `''` for ids that a request has not. */
export function requestPart(requestId: string, traceId: string): string {
  return (
    (requestId === '' ? '' : `,"request_id":"${requestId}"`) +
    (traceId === '' ? '' : `,"trace_id":"${traceId}"`)
  )
}

export function clientPart(facts: ClientFacts): string {
  return (
    text('client_ip', facts.client_ip, 64) +
    text('user_agent', facts.user_agent, 200) +
    text('user_principal', facts.user_principal, 300) +
    text('principal_kind', facts.principal_kind, 32) +
    text('tenant', facts.tenant, 256)
  )
}

export function answerPart(facts: AnswerFacts): string {
  const { event_type: type, auth_result: result, status = 0, bytes = 0, count = 1 } = facts
  return (
    `,"event_type":"${type}","auth_result":"${result}"${text('kind', facts.kind, 32)}` +
    text('module', facts.module, 2048) +
    text('version', facts.version, 512) +
    `,"status":${status},"bytes":${bytes}${text('code', facts.code, 64)}` +
    text('decision_id', facts.decision_id, 64) +
    text('action', facts.action, 256) +
    `${text('detail', facts.detail, 400)}${count === 1 ? '' : `,"count":${count}`}}`
  )
}

/** A field as JSON in one line, cut, and of well-formed Unicode, so that its bytes are read back as they were meant. */
function text(name: string, value: string | undefined, most: number): string {
  if (value === undefined || value === '') return ''
  const short = value.length > most ? value.slice(0, most) : value
  return `,"${name}":${JSON.stringify(short.toWellFormed())}`
}

/** The event in a line with all its fields; `undefined` for a line of another kind. */
export function eventIn(line: string): AuditEvent | undefined {
  if (!line.startsWith(EVENT_START)) return undefined
  try {
    return { ...NOTHING, ...(JSON.parse(line) as AuditEvent) }
  } catch {
    return undefined
  }
}

/** What a field is that was left out, in the order of the schema. */
const NOTHING: AuditEvent = {
  schema: 1,
  seq: 0,
  event_id: '',
  timestamp: '',
  request_id: '',
  trace_id: '',
  client_ip: '',
  user_agent: '',
  user_principal: '',
  principal_kind: 'anonymous',
  tenant: '',
  event_type: 'admin',
  auth_result: 'ok',
  kind: '',
  module: '',
  version: '',
  status: 0,
  bytes: 0,
  code: '',
  decision_id: '',
  action: '',
  detail: '',
  count: 1,
}

const SANE = /^[A-Za-z0-9][\w.:/+=-]{0,63}$/

/** `X-Request-Id` where it can stand in a log as it is; `''` for anything else. */
export function saneRequestId(header: unknown): string {
  return typeof header === 'string' && SANE.test(header) && !/^ms[a-z]_/.test(header) ? header : ''
}

/** The trace id of a `traceparent` header (W3C Trace Context, 3.2); `''` where it has none that is valid. */
export function traceIdIn(header: unknown): string {
  if (typeof header !== 'string') return ''
  const [, id] = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(header) ?? []
  return id === undefined || /^0+$/.test(id) ? '' : id
}
