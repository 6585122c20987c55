import type { IncomingMessage, ServerResponse } from 'node:http'
import { ModsteadError } from '../errors.ts'
import { evaluateConditions, isUnconditional, type Outcome } from './conditions.ts'
import { notModifiedHeaders, partHeaders, type SizedFacts } from './file-headers.ts'
import { type Refusal, refusalFor } from './statuses.ts'

/** A file whose bytes are at hand. */
export interface ReadyFile {
  facts: SizedFacts
  headers: string[]
  body: Buffer | string
}

/** Answers GET or HEAD with a file at hand, its conditions and ranges obeyed. Returns the bytes of the body sent. */
export function sendReady(file: ReadyFile, req: IncomingMessage, res: ServerResponse): number {
  if (!isUnconditional(req.headers)) {
    const outcome = evaluateConditions(req.headers, req.method, file.facts)
    if (outcome.kind === 'part') {
      res.writeHead(206, partHeaders(file.facts, outcome.start, outcome.end))
      res.end(cut(file.body, outcome.start, outcome.end), 'latin1')
      return outcome.end - outcome.start
    }
    if (outcome.kind !== 'whole') return sendOutcome(outcome, file.facts, req, res)
  }
  res.writeHead(200, file.headers)
  if (req.method === 'HEAD') {
    res.end()
    return 0
  }
  res.end(file.body, 'latin1')
  return file.facts.size
}

/** Answers with an outcome that needs no byte of the file: 304, 412 or 416. Returns the bytes of the body sent. */
export function sendOutcome(
  outcome: Exclude<Outcome, { kind: 'whole' | 'part' }>,
  facts: SizedFacts,
  req: IncomingMessage,
  res: ServerResponse,
): number {
  switch (outcome.kind) {
    case 'not_modified':
      res.writeHead(304, notModifiedHeaders(facts))
      res.end()
      return 0
    case 'precondition_failed':
      return sendRefusal(
        refusalFor(new ModsteadError('precondition_failed', 'the file is not the one that If-Match names')),
        req,
        res,
      )
    case 'range_not_satisfiable':
      return sendRefusal(
        refusalFor(
          new ModsteadError(
            'range_not_satisfiable',
            `the file has ${facts.size} bytes, and the range is beyond them`,
          ),
        ),
        req,
        res,
        ['Content-Range', `bytes */${facts.size}`],
      )
  }
}

/** Answers with a refusal. Returns the bytes of the body sent. */
export function sendRefusal(
  { status, headers, body }: Refusal,
  req: IncomingMessage,
  res: ServerResponse,
  moreHeaders: readonly string[] = [],
): number {
  res.writeHead(status, [...headers, ...moreHeaders])
  if (req.method === 'HEAD') {
    res.end()
    return 0
  }
  res.end(body)
  return Buffer.byteLength(body)
}

function cut(body: Buffer | string, start: number, end: number): Buffer | string {
  return typeof body === 'string' ? body.slice(start, end) : body.subarray(start, end)
}
