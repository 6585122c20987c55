import type { IncomingMessage, ServerResponse } from 'node:http'
import { createHash } from 'node:crypto'
import { ModsteadError } from '../errors.ts'
import type { ModuleProxy } from '../proxy/module-proxy.ts'
import type { Access } from '../access/access.ts'
import type { ColdClient } from '../limits/limits.ts'
import type { Asker, ServedDatabase } from '../sumdb/served.ts'
import { IMMUTABLE, wholeHeaders, type SizedFacts } from './file-headers.ts'
import type { Memory } from './memory.ts'
import type { SumdbRequest } from './parse.ts'
import { sendReady } from './ready.ts'
import { clientAddress, senderOf } from './sender.ts'
import type { RequestKind, Traffic } from './traffic.ts'

export interface SumdbAnswersOptions {
  proxy: ModuleProxy
  databases: readonly ServedDatabase[]
  /** Decides who may look up a module, and read the records of our own log in bulk. */
  access: Access
  memory: Memory
  traffic: Traffic
}

export interface SumdbExchange {
  database: string
  request: SumdbRequest
  path: string
  req: IncomingMessage
  res: ServerResponse
  signal: AbortSignal
  sent: (bytes: number) => void
  /** For whom something may have to be fetched; absent: it need not wait for its turn. */
  cold: ColdClient | undefined
}

/** A head may be a minute old in the mirror itself; caches may hold it for as long again. */
const LATEST = 'public, max-age=60'
/** That of our own log is as new as can be; one that a cache holds is as good a beginning. */
const OWN_LATEST = 'no-cache'
/** Names of private modules are in it. */
const OWN_IMMUTABLE = IMMUTABLE.replace('public', 'private')
const FOR_AUDITORS = 'private, no-store'
/** Whether a database is mirrored changes with the configuration only. */
const SUPPORTED = 'public, max-age=300'

/**
 * Makes the function that answers what is asked of a checksum database. Names under private patterns are refused before
 * a mirror hears of them; the records of our own log in bulk, which name every private module, are for auditors. Lookups
 * and tiles never change, and are remembered; partial tiles too, for all clients ask for those of the newest head.
 */
export function createSumdbAnswers(options: SumdbAnswersOptions): (exchange: SumdbExchange) => Promise<void> {
  const { proxy, access, memory, traffic } = options
  const databases = new Map(options.databases.map((database) => [database.name, database]))

  async function ask(database: ServedDatabase, request: SumdbRequest, asker: Asker): Promise<Buffer> {
    switch (request.kind) {
      case 'supported':
        return Buffer.alloc(0)
      case 'latest':
        return database.latest(asker)
      case 'lookup':
        if (!database.own) proxy.refusePrivate(request.module)
        return database.lookupResponse(request.module, request.version, asker)
      case 'tile':
        return database.tile(request.path, asker)
    }
  }

  return async function answerSumdb({ database: name, request, path, req, res, signal, sent, cold }) {
    const database = databases.get(name)
    if (database === undefined)
      throw new ModsteadError('no_endpoint', 'this server mirrors no checksum database of that name')
    const forAuditors = database.own && request.kind === 'tile' && request.records
    if (forAuditors) await access.require(senderOf(req), 'audit:read')
    else if (request.kind === 'lookup') await access.require(senderOf(req), 'module:read', request.module)
    else await access.identify(senderOf(req))
    const hold = memory.hold()
    const via = req.headers['modstead-via']?.toString()
    const client = clientAddress(req)
    const storedOnly = req.headers['disable-module-fetch'] === 'true'
    const asker = { signal, client, storedOnly, ...(cold && { cold }), ...(via !== undefined && { via }) }
    const body = await ask(database, request, asker)
    signal.throwIfAborted()
    const facts: SizedFacts = {
      contentType: request.kind === 'tile' ? 'application/octet-stream' : 'text/plain; charset=utf-8',
      cacheControl: forAuditors ? FOR_AUDITORS : cacheControl(database, request),
      size: body.length,
      etag: `"${createHash('sha256').update(body).digest('hex')}"`,
      ranges: false,
      module: request.kind === 'lookup' ? request.module : undefined,
    }
    const ready = { facts, headers: wholeHeaders(facts), body }
    if (request.kind === 'lookup' || (request.kind === 'tile' && !forAuditors))
      hold.keep(path, {
        ...ready,
        tally: traffic.tally(request.kind),
        until: Infinity,
        version: undefined,
        given: undefined,
      })
    hold.release()
    sent(sendReady(ready, req, res))
  }
}

function cacheControl({ own }: ServedDatabase, { kind }: SumdbRequest): string {
  if (kind === 'supported') return SUPPORTED
  if (kind === 'latest') return own ? OWN_LATEST : LATEST
  return own && kind === 'lookup' ? OWN_IMMUTABLE : IMMUTABLE
}

/** How the metrics name a request to a checksum database. */
export function kindOfSumdb(request: SumdbRequest): RequestKind {
  return request.kind === 'latest' ? 'tree_head' : request.kind
}
