import { hash, randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { LRUCache } from 'lru-cache'
import type { Access } from '../access/access.ts'
import { ANONYMOUS, type Principal } from '../access/principal.ts'
import type { AuditFacts, AuthResult, EventType } from '../audit/event.ts'
import { answerPart, clientPart, saneRequestId, traceIdIn } from '../audit/line.ts'
import type { AuditTrail } from '../audit/trail.ts'
import { type FailedProof, ModsteadError } from '../errors.ts'
import type { MemoryEntry } from './memory.ts'
import { placeOf, senderOf } from './sender.ts'
import { codeOf, MEANINGS } from './statuses.ts'
import { pathOf, type Exchange, type RequestKind } from './traffic.ts'

/** Has requests recorded. What is never recorded: pages, import paths and broken HTTP, as long as nothing is refused. */
export interface RequestAudit {
  /** Whether memory may answer: not while what it gives could not be recorded. */
  mayAnswer(): boolean
  /** To be called for an answer from memory, given to `reader`. */
  hit(req: IncomingMessage, res: ServerResponse, entry: MemoryEntry, reader: Principal, bytes: number): void
  /** To be called when a request goes on behind memory, before anything is answered. */
  begin(req: IncomingMessage, res: ServerResponse): void
  /** To be called once somebody was asked who sent a request. */
  identified(req: IncomingMessage): void
  /** Throws `audit_unavailable` where a request of this kind could not be recorded. */
  requireRoom(kind: RequestKind): void
  /** Gives the id of the decision to refuse, which the client is told; `undefined` for an error that is none. */
  refused(req: IncomingMessage, res: ServerResponse, error: unknown): string | undefined
  /** To be called when such a request is done. */
  done(req: IncomingMessage, res: ServerResponse, exchange: Exchange): void
}

export interface RequestAuditOptions {
  trail: AuditTrail
  access: Pick<Access, 'principalOf'>
  /** The share of reads that is recorded, from 0 to 1. */
  share: number
  /** Whose site it is. */
  tenant?: string | undefined
}

/** What events are about, by the kind of request; other kinds are recorded only where they are refused. */
const TYPES: Readonly<Partial<Record<string, EventType>>> = {
  info: 'download',
  mod: 'download',
  zip: 'download',
  list: 'list',
  latest: 'list',
  query: 'list',
  lookup: 'checksum',
  tile: 'checksum',
  tree_head: 'checksum',
  supported: 'checksum',
  log: 'checksum',
  publish: 'publish',
  delete: 'delete',
  hook: 'hook',
  api: 'admin',
}
/** Those of which a share is recorded. */
const READS: ReadonlySet<EventType> = new Set(['download', 'list', 'checksum'])

/** For how long a credential that was taken from an address is not recorded again. Milliseconds, and how many. */
const AGAIN = { ttl: 600_000, max: 20_000 }

interface Facts {
  requestId: string
  decision?: string
}

export function createRequestAudit({ trail, access, share, tenant }: RequestAuditOptions): RequestAudit {
  const clients = new WeakMap<object, { principal: Principal; agent: string | undefined; part: Buffer }>()
  const requests = new WeakMap<IncomingMessage, Facts>()
  const taken = new LRUCache<string, true>(AGAIN)
  const salt = randomBytes(32).toString('base64')

  /** The same for all requests of one client over one connection; over that of a reverse proxy there are many. */
  function clientOf(req: IncomingMessage, principal: Principal): Buffer {
    const agent = req.headers['user-agent']
    const place = placeOf(req)
    const before = clients.get(place)
    if (before !== undefined && before.principal === principal && before.agent === agent) return before.part
    const part = Buffer.from(clientPart(clientFacts(req, principal)))
    clients.set(place, { principal, agent, part })
    return part
  }

  function clientFacts(req: IncomingMessage, { id, kind, tenant: own }: Principal) {
    return {
      client_ip: senderOf(req).address,
      user_agent: req.headers['user-agent'] ?? '',
      user_principal: trail.mask(id),
      principal_kind: kind,
      tenant: tenant ?? own ?? '',
    }
  }

  function identified(req: IncomingMessage): void {
    const { authorization } = req.headers
    const principal = access.principalOf(req)
    if (principal === undefined || principal.kind === 'anonymous') return
    // Without a header it was the certificate of the connection.
    const credential = authorization ?? req.headers['x-auth-token']
    const proof = credential === undefined ? `${principal.kind} ${principal.id}` : String(credential)
    const key = hash('sha256', `${salt}${senderOf(req).address} ${proof}`, 'base64')
    if (taken.has(key)) return
    taken.set(key, true)
    trail.record({
      ...clientFacts(req, principal),
      ...idsOf(req),
      event_type: 'authentication',
      auth_result: 'ok',
    })
  }

  function idsOf(req: IncomingMessage): { request_id: string; trace_id: string } {
    const request_id = requests.get(req)?.requestId ?? saneRequestId(req.headers['x-request-id'])
    return { request_id, trace_id: traceIdIn(req.headers.traceparent) }
  }

  return {
    mayAnswer: () => share === 0 || !trail.blocked,
    hit(req, res, entry, reader, bytes) {
      if (share < 1 && Math.random() >= share) return
      const { headers } = req
      const client = clientOf(req, reader)
      const requestId = headers['x-request-id']
      const trace = headers.traceparent
      const { statusCode } = res
      const plain = statusCode === 200 && bytes === entry.facts.size
      trail.recordParts(
        requestId === undefined ? '' : saneRequestId(requestId),
        trace === undefined ? '' : traceIdIn(trace),
        client,
        plain
          ? (entry.audited ??= partOfEntry(entry, statusCode, bytes))
          : partOfEntry(entry, statusCode, bytes),
      )
    },
    identified,
    begin(req, res) {
      const requestId = saneRequestId(req.headers['x-request-id']) || trail.newId()
      requests.set(req, { requestId })
      res.setHeader('X-Request-Id', requestId)
    },
    requireRoom(kind) {
      const type = TYPES[kind]
      if (!trail.blocked || (type === undefined && kind !== 'auth')) return
      if (type !== undefined && READS.has(type) && share === 0) return
      trail.noteRefused()
      throw new ModsteadError(
        'audit_unavailable',
        'what is done here is recorded, and that is not possible now',
        {
          next: 'ask again later; who runs this server finds the reason at /readyz and in its log',
        },
      )
    },
    refused(req, res, error) {
      const facts = requests.get(req)
      if (facts === undefined || !isRefusal(error)) return undefined
      facts.decision ??= trail.newId()
      if (!res.headersSent) res.setHeader('Modstead-Decision', facts.decision)
      return facts.decision
    },
    done(req, res, exchange) {
      identified(req)
      const { kind, error, event } = exchange
      const refusal = isRefusal(error)
      const proof = proofOf(req, error)
      const usual = event?.type ?? TYPES[kind]
      if (!refusal && usual === undefined) return
      const type: EventType = proof !== undefined ? 'authentication' : refusal ? 'refusal' : usual!
      if (READS.has(type) && share < 1 && Math.random() >= share) return
      const principal = access.principalOf(req) ?? ANONYMOUS
      if (error === undefined && kind === 'api' && principal.kind === 'anonymous' && isDescription(req))
        return
      const claimed = proof?.principal ?? event?.principal ?? exchange.principal
      const facts: AuditFacts = {
        ...clientFacts(req, principal),
        ...(claimed !== undefined && {
          user_principal: trail.mask(claimed.id),
          principal_kind: claimed.kind,
        }),
        ...idsOf(req),
        event_type: type,
        auth_result: proof?.result ?? (refusal ? resultOf(error) : (event?.result ?? 'ok')),
        kind,
        module: exchange.module ?? '',
        version: exchange.version ?? '',
        status: res.headersSent ? res.statusCode : 0,
        bytes: exchange.bytes,
        code: error === undefined ? (exchange.aborted === true ? 'aborted' : '') : codeOf(error),
        decision_id: requests.get(req)?.decision ?? '',
        action: event?.action ?? actionOf(kind, req),
        detail: exchange.detail ?? '',
      }
      trail.record(facts)
    },
  }
}

/** What everybody may read of the API says nothing of anybody. */
function isDescription(req: IncomingMessage): boolean {
  return pathOf(req).endsWith('/api/v1/openapi.json')
}

/** 401, 403 and 429: somebody was not let do something. */
function isRefusal(error: unknown): boolean {
  if (error === undefined) return false
  const { status } = MEANINGS[codeOf(error)]
  return status === 401 || status === 403 || status === 429
}

/** Why the credential of a request proved nobody; `undefined` where it did, or there was none. */
function proofOf({ headers }: IncomingMessage, error: unknown): FailedProof | undefined {
  if (!(error instanceof ModsteadError) || error.code !== 'unauthenticated') return undefined
  if (headers.authorization === undefined && headers['x-auth-token'] === undefined) return error.proof
  return error.proof ?? { result: 'failed' }
}

/** Of a refusal. */
function resultOf(error: unknown): AuthResult {
  return codeOf(error) === 'bad_signature' ? 'failed' : 'denied'
}

function partOfEntry({ tally, facts, version }: MemoryEntry, status: number, bytes: number): Buffer {
  const part = answerPart({
    event_type: TYPES[tally.kind] ?? 'download',
    auth_result: 'ok',
    kind: tally.kind,
    module: facts.module ?? '',
    version: version?.version ?? '',
    status,
    bytes,
  })
  return Buffer.from(part)
}

/** What was done, for endpoints that do something. Queries hold what people put there, and are left out. */
function actionOf(kind: RequestKind, req: IncomingMessage): string {
  return kind === 'api' || kind === 'hook' || kind === 'auth' ? `${req.method} ${pathOf(req)}` : ''
}
