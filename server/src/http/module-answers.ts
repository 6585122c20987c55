import type { IncomingMessage, ServerResponse } from 'node:http'
import { ModsteadError } from '../errors.ts'
import type { ColdClient } from '../limits/limits.ts'
import type { Answer, LiveZip, StoredFile } from '../proxy/answer.ts'
import type { ModuleProxy } from '../proxy/module-proxy.ts'
import type { ModuleRequest, RequestContext } from '../proxy/request.ts'
import { evaluateConditions, isUnconditional } from './conditions.ts'
import { factsOf, factsOfBytes, partHeaders, wholeHeaders } from './file-headers.ts'
import type { Hold, Memory, ReadyAnswer } from './memory.ts'
import { sendOutcome, sendReady } from './ready.ts'
import { placeOf } from './sender.ts'
import { sendChunks } from './send-chunks.ts'
import type { createFileSender } from './send-file.ts'
import type { Tally, Traffic } from './traffic.ts'

export interface ModuleAnswersOptions {
  proxy: ModuleProxy
  memory: Memory
  sendFile: ReturnType<typeof createFileSender>
  traffic: Traffic
  /** Told how long it took until an answer began, waiting for a turn not counted. Milliseconds. */
  answered: (ms: number) => void
}

export interface ModuleExchange {
  request: ModuleRequest
  /** The normalised path, under which the answer is remembered. */
  path: string
  req: IncomingMessage
  res: ServerResponse
  signal: AbortSignal
  /** Told how many bytes of the body were sent. */
  sent: (bytes: number) => void
  /** For whom something may have to be fetched; absent: it need not wait for its turn. */
  cold: ColdClient | undefined
}

/**
 * Makes the function that answers a module request through the proxy room: from bytes, from a stored file, or from a
 * zip that is still arriving. What fits into memory is remembered. It throws ModsteadError; when the head was written
 * before, the caller breaks the connection.
 */
export function createModuleAnswers(
  options: ModuleAnswersOptions,
): (exchange: ModuleExchange) => Promise<void> {
  const { proxy, memory, sendFile, traffic, answered } = options
  const load = createLoader(memory)

  return async function answerModule(exchange) {
    const { request, path, signal } = exchange
    const hold = holdFor(memory, request)
    try {
      const answer = await askInTime(exchange)
      const { body } = answer
      if (body.kind === 'live') return await sendLive(answer, body.zip, exchange)
      if (body.kind === 'bytes') return sendBytes(answer, body.bytes, hold, exchange)
      const bytes = await load(path, body.file)
      signal.throwIfAborted()
      if (bytes !== undefined) return sendBytes(answer, bytes, hold, exchange)
      return await sendStored(answer, body.file, exchange)
    } finally {
      hold.release()
    }
  }

  async function askInTime(exchange: ModuleExchange): Promise<Answer> {
    const { cold, signal } = exchange
    const started = performance.now()
    let waited = 0
    /** The turn has not come: nothing can be said of the time that an answer takes. */
    let waiting = false
    const timed = cold && {
      async begin(signal: AbortSignal) {
        const since = performance.now()
        waiting = true
        const end = await cold.begin(signal)
        waiting = false
        waited += performance.now() - since
        return end
      },
    }
    try {
      return await askProxy(proxy, { ...exchange, cold: timed })
    } finally {
      if (!waiting && !signal.aborted) answered(performance.now() - started - waited)
    }
  }

  function sendBytes(answer: Answer, bytes: Buffer, hold: Hold, exchange: ModuleExchange): void {
    const { request, path, req, res } = exchange
    const ready = readyAnswer(answer, bytes, request, traffic.tally(request.kind))
    const kept = hold.keep(path, ready)
    exchange.sent(sendReady(ready, req, res))
    memory.pin(kept ?? ready, res, req.socket)
  }

  async function sendStored(answer: Answer, file: StoredFile, exchange: ModuleExchange): Promise<void> {
    const { req, res, signal, sent } = exchange
    const facts = { ...factsOf(answer, file.size), size: file.size }
    const outcome = evaluateConditions(req.headers, req.method, facts)
    if (outcome.kind !== 'whole' && outcome.kind !== 'part')
      return sent(sendOutcome(outcome, facts, req, res))
    const part = outcome.kind === 'part'
    const { start, end } = part ? outcome : { start: 0, end: file.size }
    const head = () =>
      void res.writeHead(part ? 206 : 200, part ? partHeaders(facts, start, end) : wholeHeaders(facts))
    if (req.method !== 'HEAD') return sent(await sendFile({ file, start, end, res, signal, head }))
    head()
    res.end()
  }

  async function sendLive(answer: Answer, zip: LiveZip, exchange: ModuleExchange): Promise<void> {
    const { res, signal, sent } = exchange
    const headers = wholeHeaders(factsOf(answer, zip.size))
    const head = () => void res.writeHead(200, headers)
    sent(await sendChunks({ chunks: zip.chunks(signal), size: zip.size, res, signal, head }))
  }
}

/**
 * Asks the proxy room. Whoever wants only the head, a part or a comparison of a zip that is still arriving waits until
 * it is stored, and so does who could not tell a cut answer from a whole one: before that nothing about it is certain.
 */
async function askProxy(proxy: ModuleProxy, exchange: ModuleExchange): Promise<Answer> {
  const { request, req, signal, cold } = exchange
  const via = req.headers['modstead-via']?.toString()
  const context: RequestContext = {
    signal,
    storedOnly: req.headers['disable-module-fetch']?.toString().toLowerCase() === 'true',
    client: placeOf(req),
    ...(cold && { asker: cold }),
    ...(via !== undefined && { via }),
  }
  const answer = await proxy.serve(request, context)
  signal.throwIfAborted()
  if (answer.body.kind !== 'live' || (mayStream(req, answer.body.zip) && isUnconditional(req.headers)))
    return answer
  const { file, sha256 } = await orAborted(answer.body.zip.stored, signal)
  return {
    ...answer,
    body: { kind: 'file', file },
    modified: file.modified,
    ...(sha256 !== undefined && { sha256 }),
  }
}

/** A body whose length nobody knows ends with the connection in HTTP/1.0, where a cut looks like the end. */
function mayStream(req: IncomingMessage, zip: LiveZip): boolean {
  return req.method === 'GET' && (zip.size !== undefined || req.httpVersionMinor > 0)
}

/**
 * Reads stored files whole where memory may keep them. Requests for one file share the reading; where memory
 * has no room for more on their way, files are sent from the disk.
 */
function createLoader(memory: Memory): (path: string, file: StoredFile) => Promise<Buffer | undefined> {
  const loads = new Map<string, Promise<Buffer>>()
  let loading = 0

  return async function load(path, file) {
    const running = loads.get(path)
    if (running !== undefined) return running
    if (file.size > memory.largest || !memory.hasRoom(loading + file.size)) return undefined
    loading += file.size
    const reading = file.bytes()
    loads.set(path, reading)
    try {
      return await reading
    } catch (error) {
      throw error instanceof ModsteadError
        ? error
        : new ModsteadError('store_unavailable', 'a stored file cannot be read', { cause: error })
    } finally {
      loading -= file.size
      loads.delete(path)
    }
  }
}

function readyAnswer(answer: Answer, bytes: Buffer, request: ModuleRequest, tally: Tally): ReadyAnswer {
  const facts = factsOfBytes(answer, bytes)
  return {
    tally,
    facts,
    headers: wholeHeaders(facts),
    body: bytes,
    until: answer.life === 'immutable' ? Infinity : answer.life.until,
    version: 'version' in request ? { realm: answer.realm, ...namesOf(request) } : undefined,
    given: answer.given,
  }
}

function namesOf({ module, version }: { module: string; version: string }): {
  module: string
  version: string
} {
  return { module, version }
}

function holdFor(memory: Memory, request: ModuleRequest): Hold {
  return memory.hold(request.module, 'version' in request ? request.version : undefined)
}

async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const gone = Promise.withResolvers<never>()
  const onAbort = () => gone.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, gone.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
