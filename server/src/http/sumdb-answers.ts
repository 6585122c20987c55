import type { IncomingMessage, ServerResponse } from 'node:http'
import { createHash } from 'node:crypto'
import { ModsteadError } from '../errors.ts'
import type { ModuleProxy } from '../proxy/module-proxy.ts'
import { passingOn, type SumdbMirror } from '../sumdb/mirror.ts'
import { IMMUTABLE, wholeHeaders, type SizedFacts } from './file-headers.ts'
import type { Memory } from './memory.ts'
import type { SumdbRequest } from './parse.ts'
import { sendReady } from './ready.ts'
import type { RequestKind, Traffic } from './traffic.ts'

export interface SumdbAnswersOptions {
  proxy: ModuleProxy
  mirrors: readonly SumdbMirror[]
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
}

/** A head may be a minute old in the mirror itself; caches may hold it for as long again. */
const LATEST = 'public, max-age=60'
/** Whether a database is mirrored changes with the configuration only. */
const SUPPORTED = 'public, max-age=300'

/**
 * Makes the function that answers what is asked of a mirrored checksum database. Names under private patterns are
 * refused before the mirror hears of them. Lookups and full tiles are remembered; partial tiles are not, for they are
 * soon out of use.
 */
export function createSumdbAnswers(options: SumdbAnswersOptions): (exchange: SumdbExchange) => Promise<void> {
  const { proxy, memory, traffic } = options
  const mirrors = new Map(options.mirrors.map((mirror) => [mirror.name, mirror]))

  async function ask(mirror: SumdbMirror, request: SumdbRequest, signal: AbortSignal): Promise<Buffer> {
    switch (request.kind) {
      case 'supported':
        return Buffer.alloc(0)
      case 'latest':
        return mirror.latest(signal)
      case 'lookup':
        proxy.refusePrivate(request.module)
        return mirror.lookupResponse(request.module, request.version, signal)
      case 'tile':
        return mirror.tile(request.path, signal)
    }
  }

  return async function answerSumdb({ database, request, path, req, res, signal, sent }) {
    const mirror = mirrors.get(database)
    if (mirror === undefined)
      throw new ModsteadError('no_endpoint', 'this server mirrors no checksum database of that name')
    const hold = memory.hold()
    const via = req.headers['modstead-via']?.toString()
    const body = await passingOn(via, () => ask(mirror, request, signal))
    signal.throwIfAborted()
    const facts: SizedFacts = {
      contentType: request.kind === 'tile' ? 'application/octet-stream' : 'text/plain; charset=utf-8',
      cacheControl: request.kind === 'latest' ? LATEST : request.kind === 'supported' ? SUPPORTED : IMMUTABLE,
      size: body.length,
      etag: `"${createHash('sha256').update(body).digest('hex')}"`,
      ranges: false,
      module: request.kind === 'lookup' ? request.module : undefined,
    }
    const ready = { facts, headers: wholeHeaders(facts), body }
    if (request.kind === 'lookup' || (request.kind === 'tile' && request.full))
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

/** How the metrics name a request to a checksum database. */
export function kindOfSumdb(request: SumdbRequest): RequestKind {
  return request.kind === 'latest' ? 'tree_head' : request.kind
}
