/**
 * An event as the line of the log. The order of the fields is fixed, so that a line is made of pieces: what tells one
 * request from the next, what is the same for a connection, and what is the same for an answer.
 */
import type { AuditFacts } from './event.ts'

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

/** `stem` is what `clientPart` and `answerPart` gave. Ids and times need no escapes. Without its line break. */
export function eventLine(
  seq: number,
  id: string,
  timestamp: string,
  requestId: string,
  traceId: string,
  stem: string,
): string {
  return (
    EVENT_START +
    seq +
    ',"event_id":"' +
    id +
    '","timestamp":"' +
    timestamp +
    '","request_id":"' +
    requestId +
    '","trace_id":"' +
    traceId +
    stem
  )
}

export function clientPart(facts: ClientFacts): string {
  return (
    `","client_ip":${json(facts.client_ip, 64)},"user_agent":${json(facts.user_agent, 200)}` +
    `,"user_principal":${json(facts.user_principal, 300)},"principal_kind":"${facts.principal_kind}"` +
    `,"tenant":${json(facts.tenant, 256)}`
  )
}

export function answerPart(facts: AnswerFacts): string {
  const { event_type: type, auth_result: result, status = 0, bytes = 0 } = facts
  return (
    `,"event_type":"${type}","auth_result":"${result}","kind":${json(facts.kind, 32)}` +
    `,"module":${json(facts.module, 2048)},"version":${json(facts.version, 512)}` +
    `,"status":${status},"bytes":${bytes},"code":${json(facts.code, 64)}` +
    `,"decision_id":${json(facts.decision_id, 64)},"action":${json(facts.action, 256)}` +
    `,"detail":${json(facts.detail, 400)}}`
  )
}

/** A JSON text of one line, cut, and of well-formed Unicode, so that its bytes are read back as they were meant. */
function json(text: string | undefined, most: number): string {
  if (text === undefined || text === '') return '""'
  const short = text.length > most ? text.slice(0, most) : text
  return JSON.stringify(short.toWellFormed())
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
