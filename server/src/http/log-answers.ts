import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Access } from '../access/access.ts'
import { ModsteadError } from '../errors.ts'
import { formatEntryBundle } from '@modstead/gomod/checkpoint/entry-bundle'
import { parseTlogTilePath } from '@modstead/gomod/checkpoint/tile-path'
import { GomodError } from '@modstead/gomod/error'
import { DATA_LEVEL, fullWidth, type Tile } from '@modstead/gomod/tlog/tile'
import type { Checkpoints, WitnessStatus } from '../sumdb/log/checkpoints.ts'
import { type Evidence, LONGEST_FEED } from '../sumdb/log/evidence.ts'
import type { ChecksumLog } from '../sumdb/log/log.ts'
import { IMMUTABLE } from './file-headers.ts'
import type { Action } from './action.ts'
import { rawTarget, requestPath } from './request-path.ts'
import { senderOf } from './sender.ts'

/** A log of ours as those see it who check it. */
export interface AuditedLog {
  readonly name: string
  evidence(): Promise<Evidence>
  checkpoints(): Promise<Pick<Checkpoints, 'newest' | 'witnesses'>>
  log(): Promise<Pick<ChecksumLog, 'tile' | 'records'>>
}

export interface LogAnswersOptions {
  log: AuditedLog
  /** Decides who may read what names every module. */
  access: Access
  /** `''`, or a path like `/goproxy`. */
  prefix: string
}

/** An answer, whole. */
interface Reply {
  type: string
  body: Buffer
  cache: string
}

type Query = ReadonlyMap<string, string>

/** What there is besides tiles. */
export const LOG_VIEWS = ['checkpoint', 'witnesses', 'proof/inclusion', 'proof/consistency', 'index'] as const
type LogView = (typeof LOG_VIEWS)[number]

/**
 * What a log of ours shows beside what `go` asks of it, below `PREFIX/tlog/NAME/`:
 *
 *     checkpoint                              the newest head, as C2SP's tlog-checkpoint has it, with cosignatures
 *     tile/L/N[.p/W], tile/entries/N[.p/W]    tiles as C2SP's tlog-tiles has them; entries are for auditors
 *     witnesses                               what the witnesses said last
 *     proof/inclusion?id=N[&size=N]           that a record is in the log
 *     proof/consistency?from=N[&to=N]         that the log only grew
 *     index?since=TIME | id=N [&limit=N]      what was entered, a line of JSON each: for auditors
 */
export function createLogAnswers({ log, access, prefix }: LogAnswersOptions): Action {
  const start = `${prefix}/tlog/${log.name}/`

  const views: Readonly<Record<LogView, (query: Query, req: IncomingMessage) => Promise<Reply>>> = {
    async checkpoint(query) {
      numbers(query, {})
      return {
        type: 'text/plain; charset=utf-8',
        body: (await log.checkpoints()).newest(),
        cache: 'no-cache',
      }
    },
    async witnesses(query) {
      numbers(query, {})
      return json((await log.checkpoints()).witnesses().map(asTold))
    },
    async 'proof/inclusion'(query) {
      const { id, size } = numbers(query, { id: 'needed', size: 'optional' })
      return json(await (await log.evidence()).inclusion(id!, size))
    },
    async 'proof/consistency'(query) {
      const { from, to } = numbers(query, { from: 'needed', to: 'optional' })
      return json(await (await log.evidence()).consistency(from!, to))
    },
    async index(query, req) {
      await access.require(senderOf(req), 'audit:read')
      const { since, ...rest } = Object.fromEntries(query)
      const { id, limit = LONGEST_FEED } = numbers(new Map(Object.entries(rest)), {
        id: 'optional',
        limit: 'optional',
      })
      if (since !== undefined && id !== undefined) throw badQuery('since and id exclude each other')
      const from = id === undefined ? { since: timeOf(since) } : { id }
      const entries = await (await log.evidence()).feed(from, limit)
      const lines = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
      return { type: 'application/x-ndjson', body: Buffer.from(lines), cache: FOR_AUDITORS }
    },
  }

  async function answer(what: string, query: Query, req: IncomingMessage): Promise<Reply> {
    if (what.startsWith('tile/')) return tile(what, query, req)
    const view = LOG_VIEWS.find((name) => name === what)
    if (view !== undefined) return views[view](query, req)
    throw new ModsteadError('no_endpoint', `the log ${log.name} shows nothing at this address`, {
      next: 'what it shows stands in docs/checksum-database.md',
    })
  }

  async function tile(path: string, query: Query, req: IncomingMessage): Promise<Reply> {
    numbers(query, {})
    const wanted = parse(path)
    if (wanted.level === DATA_LEVEL) {
      await access.require(senderOf(req), 'audit:read')
      const records = await (await log.log()).records(wanted.index * fullWidth(wanted.height), wanted.width)
      if (records.length < wanted.width) throw noSuchTile(log.name)
      const body = Buffer.from(formatEntryBundle(records.map(({ record }) => record)))
      return { type: BYTES, body, cache: FOR_AUDITORS }
    }
    const data = await (await log.log()).tile(wanted)
    if (data === undefined) throw noSuchTile(log.name)
    return { type: BYTES, body: Buffer.from(data), cache: IMMUTABLE }
  }

  return {
    kind: 'log',
    takes: ({ url = '' }) => url.startsWith(start),
    async answer({ req, res }) {
      if (req.method !== 'GET' && req.method !== 'HEAD')
        throw new ModsteadError('method_not_allowed', 'a log can only be read')
      const target = rawTarget(req)
      const { path } = requestPath(target)
      return send(req, res, await answer(path.slice(start.length), queryOf(target), req))
    },
  }
}

/** What strangers hear of a witness: its messages name addresses of the network inside. */
function asTold({ failure, ...status }: WitnessStatus): WitnessStatus {
  if (failure === undefined) return status
  return { ...status, failure: { kind: failure.kind, message: WITNESS_FAILURES[failure.kind] } }
}

const WITNESS_FAILURES = {
  unreachable: 'it could not be reached; the log of the server that asked says why',
  refused: 'it did not cosign; the log of the server that asked says why',
  conflict: 'it has seen more of this log, or another history of it: an alarm',
} as const

const BYTES = 'application/octet-stream'
const FOR_AUDITORS = 'private, no-store'

function parse(path: string): Tile {
  try {
    return parseTlogTilePath(path)
  } catch (error) {
    if (error instanceof GomodError) throw new ModsteadError('bad_path', error.message)
    throw error
  }
}

function noSuchTile(name: string): ModsteadError {
  return new ModsteadError('not_found', `${name} has no such tile: its log has not grown that far`)
}

/** Each name once at most: whoever sends more means something that would be guessed. */
function queryOf(target: string): Query {
  const at = target.indexOf('?')
  const query = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(at < 0 ? '' : target.slice(at + 1))) {
    if (query.has(name)) throw badQuery(`${JSON.stringify(name)} is there twice`)
    query.set(name, value)
  }
  return query
}

function numbers<Name extends string>(
  query: Query,
  names: Readonly<Record<Name, 'needed' | 'optional'>>,
): { [N in Name]: number | undefined } {
  for (const name of query.keys())
    if (!Object.hasOwn(names, name)) throw badQuery(`${JSON.stringify(name)} means nothing here`)
  const read = ([name, need]: [string, unknown]): [string, number | undefined] => {
    const text = query.get(name)
    if (text === undefined && need === 'optional') return [name, undefined]
    if (text === undefined) throw badQuery(`${name} is missing`)
    if (!/^(0|[1-9]\d{0,14})$/.test(text)) throw badQuery(`${name} must be a number`)
    return [name, Number(text)]
  }
  return Object.fromEntries(Object.entries(names).map(read)) as { [N in Name]: number | undefined }
}

function timeOf(text: string | undefined): number {
  if (text === undefined) return 0
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : NaN
  if (Number.isNaN(time)) throw badQuery('since must be a time as RFC 3339 has it')
  return time
}

function badQuery(problem: string): ModsteadError {
  return new ModsteadError('bad_request', `the query of the address cannot be read: ${problem}`, {
    next: 'write it as docs/checksum-database.md shows it',
  })
}

function json(value: object): Reply {
  return { type: 'application/json', body: Buffer.from(`${JSON.stringify(value)}\n`), cache: 'no-cache' }
}

function send({ method }: IncomingMessage, res: ServerResponse, { type, body, cache }: Reply): number {
  res.writeHead(200, {
    'Content-Type': type,
    'Content-Length': body.length,
    'Cache-Control': cache,
    'X-Content-Type-Options': 'nosniff',
  })
  if (method === 'HEAD') {
    res.end()
    return 0
  }
  res.end(body)
  return body.length
}
