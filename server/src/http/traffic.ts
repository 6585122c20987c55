import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Principal } from '../access/principal.ts'
import { ModsteadError } from '../errors.ts'
import type { AuthResult } from '../audit/event.ts'
import type { Observer } from '../observe/observer.ts'
import { rawTarget } from './request-path.ts'
import { codeOf, MEANINGS } from './statuses.ts'

/**
 * What kinds of requests there are, as the metrics name them. `page` is the home page, health and metrics, `vanity` an
 * import path, `hook` a push hook, `log` what those ask who check our log, `api` the administrative API,
 * `auth` signing in.
 */
export const REQUEST_KINDS = [
  'list',
  'latest',
  'query',
  'info',
  'mod',
  'zip',
  'supported',
  'lookup',
  'tile',
  'tree_head',
  'publish',
  'delete',
  'page',
  'vanity',
  'hook',
  'log',
  'api',
  'auth',
  'other',
] as const
export type RequestKind = (typeof REQUEST_KINDS)[number]

/** What is never answered from memory, so that it is not missing there. */
const NEVER_KEPT: ReadonlySet<RequestKind> = new Set([
  'publish',
  'delete',
  'page',
  'vanity',
  'hook',
  'log',
  'api',
  'auth',
  'other',
])

/** Plain numbers that the hot path counts in; they reach the metrics in batches. */
export interface Tally {
  readonly kind: RequestKind
  /** Answers of status 200 given from memory, and the bytes of their bodies. */
  hits: number
  bytes: number
}

/** Something that an endpoint has done, and whom it was about. */
export interface ExchangeEvent {
  type: 'authentication' | 'admin'
  result: AuthResult
  /** Default: who asked. */
  principal?: Pick<Principal, 'id' | 'kind'>
  /** Default: the method and the path. */
  action?: string
}

/** What becomes known of one request on its way. */
export interface Exchange {
  kind: RequestKind
  /** The tenant whose site it came to; the path in the log is that within the site. */
  tenant?: string
  module?: string
  version?: string
  /** What else the audit log says of it. */
  detail?: string
  /** Who it is by a cookie, where no credential in a header says so. */
  principal?: Pick<Principal, 'id' | 'kind'>
  /** What the audit log is to record, where the kind of the request does not say it. */
  event?: ExchangeEvent
  /** Bytes of the body that were handed to the connection. */
  bytes: number
  /** Why it was refused or broken off. */
  error?: unknown
  /** The client was gone before it had its answer. */
  aborted?: boolean
  /** The connection was broken in the middle of the answer, so that nobody takes it for whole. */
  cut?: boolean
}

/** An answer from memory, for the log. */
export interface LoggedHit {
  kind: RequestKind
  tenant: string | undefined
  module: string | undefined
  bytes: number
}

/** Counts and logs what goes over the listeners. */
export interface Traffic {
  tally(kind: RequestKind): Tally
  /** To be called when a request that did not come from memory is done. `started` is of `performance.now()`. */
  done(req: IncomingMessage, res: ServerResponse, exchange: Exchange, started: number): void
  /** To be called for an answer from memory whose status is not 200, which the tallies do not count. */
  countOther(kind: RequestKind, status: number, bytes: number): void
  /** Logs an answer from memory; only to be called when `logsAll`. */
  logHit(req: IncomingMessage, res: ServerResponse, hit: LoggedHit): void
  readonly logsAll: boolean
  /** A request that never became one: broken HTTP. */
  broken(status: number): void
  /** Brings what was counted to the metrics. */
  flush(): void
}

/**
 * What of the address may be logged: a query is no part of any endpoint, and people put tokens there, or before the
 * host, or anywhere.
 */
export function pathOf(req: IncomingMessage): string {
  const target = rawTarget(req)
    .replace(/^([a-z]+:\/\/)[^/?]*@/i, '$1…@')
    .replace(/(ms[drt]_)[0-9A-Za-z]{20,}/g, '$1…')
    .replace(/eyJ[\w-]{10,}\.[\w-]+\.[\w-]*/g, 'eyJ…')
  const query = target.indexOf('?')
  return query < 0 ? target : `${target.slice(0, query)}?…`
}

export function createTraffic(observer: Observer, { logsAll }: { logsAll: boolean }): Traffic {
  const requests = observer.counter('modstead_http_requests_total', 'Requests by kind and status class.', [
    'kind',
    'status',
  ])
  const bytesOut = observer.counter(
    'modstead_http_response_bytes_total',
    'Bytes of response bodies by kind.',
    ['kind'],
  )
  const hits = observer.counter('modstead_memory_hits_total', 'Requests answered from memory.')
  const misses = observer.counter('modstead_memory_misses_total', 'Requests that memory could not answer.')
  const tallies = new Map<RequestKind, Tally>(
    REQUEST_KINDS.map((kind) => [kind, { kind, hits: 0, bytes: 0 }]),
  )
  let missCount = 0

  function count(kind: RequestKind, status: string, bytes: number): void {
    requests.add(1, kind, status)
    if (bytes > 0) bytesOut.add(bytes, kind)
  }

  return {
    logsAll,
    tally: (kind) => tallies.get(kind)!,
    done(req, res, exchange, started) {
      const { kind, tenant, module, bytes, error, aborted, cut } = exchange
      const status = res.statusCode
      count(kind, aborted === true ? 'aborted' : classOf(status), bytes)
      if (!NEVER_KEPT.has(kind)) missCount++
      const grave = error !== undefined && aborted !== true && isGrave(error)
      if (!grave && !logsAll) return
      const fields = {
        method: req.method,
        path: pathOf(req),
        status,
        bytes,
        ms: Math.round((performance.now() - started) * 10) / 10,
        ...(tenant !== undefined && { tenant }),
        ...(module !== undefined && { module }),
        ...(aborted === true && { aborted }),
        ...(cut === true && { cut }),
        ...(error !== undefined && { code: codeOf(error) }),
        ...(error instanceof ModsteadError && error.incident !== undefined && { incident: error.incident }),
        ...(error instanceof ModsteadError && error.origin !== undefined && { origin: error.origin }),
      }
      if (!grave) observer.log.info(fields, 'request')
      else if (codeOf(error) === 'internal') observer.log.error({ ...fields, err: error }, 'a request failed')
      else observer.log.warn({ ...fields, err: error }, cut === true ? 'answer cut short' : 'request refused')
    },
    countOther(kind, status, bytes) {
      hits.add(1)
      count(kind, classOf(status), bytes)
    },
    logHit(req, res, { kind, tenant, module, bytes }) {
      const fields = {
        method: req.method,
        path: pathOf(req),
        status: res.statusCode,
        bytes,
        ms: 0,
        memory: true,
      }
      const whose = tenant === undefined ? {} : { tenant }
      observer.log.info({ ...fields, kind, ...whose, ...(module !== undefined && { module }) }, 'request')
    },
    broken: (status) => count('other', classOf(status), 0),
    flush() {
      for (const tally of tallies.values()) {
        if (tally.hits === 0) continue
        requests.add(tally.hits, tally.kind, '2xx')
        bytesOut.add(tally.bytes, tally.kind)
        hits.add(tally.hits)
        tally.hits = tally.bytes = 0
      }
      misses.add(missCount)
      missCount = 0
    },
  }
}

/** As the metrics name it: `2xx`. Beside these there is `aborted`, for clients that left before their answer. */
function classOf(status: number): string {
  return `${Math.floor(status / 100)}xx`
}

/** Failures of ours or of an origin, and whatever has an incident. */
function isGrave(error: unknown): boolean {
  return (
    MEANINGS[codeOf(error)].status >= 500 || (error instanceof ModsteadError && error.incident !== undefined)
  )
}
