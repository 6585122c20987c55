import type { ServerResponse } from 'node:http'
import { sendPaced } from './pace.ts'
import type { UpstreamRequest } from './upstream.ts'

/** A way for an upstream to misbehave at one path. */
export type Fault =
  /** Any status with a text body. */
  | { kind: 'status'; status: number; body?: string; headers?: Record<string, string> }
  /** A well-formed answer with other contents. */
  | { kind: 'body'; body: Buffer | string; type?: string }
  /** Content-Length of the whole, then the connection ends after `after` bytes. */
  | { kind: 'truncate'; body: Buffer; after: number }
  /** As truncate, but without Content-Length: the chunked body lacks its end. */
  | { kind: 'cut'; body: Buffer; after: number; headers?: Record<string, string> }
  /** A Content-Length that does not fit the body. */
  | { kind: 'length'; body: Buffer; declared: number }
  | { kind: 'redirect'; to: string; status?: 301 | 302 | 303 | 307 | 308 }
  /** Headers, then `after` bytes of the body, then silence. */
  | { kind: 'stall'; body: Buffer; after: number; headers?: Record<string, string> }
  /** One byte every `every` milliseconds. */
  | { kind: 'drip'; body: Buffer; every: number }
  /** Zeros without end. */
  | { kind: 'endless'; headers?: Record<string, string> }
  /** The connection ends before any answer. */
  | { kind: 'reset' }
  /** No answer at all. */
  | { kind: 'hang' }

/** Answers one request as the fault says and keeps the upstream's record true. */
export async function answerWithFault(
  response: ServerResponse,
  fault: Fault,
  entry: UpstreamRequest,
): Promise<void> {
  const count = (bytes: number): void => {
    entry.firstByte ??= performance.now()
    entry.bytes += bytes
  }
  const head = (status: number, headers: Record<string, string | number> = {}): void => {
    entry.status = status
    response.writeHead(status, headers)
  }
  switch (fault.kind) {
    case 'status':
      head(fault.status, { 'content-type': 'text/plain; charset=utf-8', ...fault.headers })
      return void response.end(fault.body ?? '')
    case 'body':
      head(200, {
        'content-type': fault.type ?? 'text/plain',
        'content-length': Buffer.byteLength(fault.body),
      })
      count(Buffer.byteLength(fault.body))
      return void response.end(fault.body)
    case 'truncate':
      head(200, { 'content-length': fault.body.length })
      await sendPaced(response, fault.body.subarray(0, fault.after), 0, count)
      return void response.socket?.end()
    case 'cut':
      head(200, fault.headers)
      await sendPaced(response, fault.body.subarray(0, fault.after), 0, count)
      return void response.socket?.end()
    case 'length':
      // Below node:http, which counts for itself and would refuse to lie.
      entry.status = 200
      count(fault.body.length)
      response.socket?.write(
        `HTTP/1.1 200 OK\r\ncontent-length: ${fault.declared}\r\nconnection: close\r\n\r\n`,
      )
      return void response.socket?.end(fault.body)
    case 'redirect':
      head(fault.status ?? 302, { location: fault.to })
      return void response.end()
    case 'stall':
      head(200, { 'content-length': fault.body.length, ...fault.headers })
      response.flushHeaders()
      return sendPaced(response, fault.body.subarray(0, fault.after), 0, count)
    case 'drip':
      head(200, { 'content-length': fault.body.length })
      return sendPaced(response, fault.body, 1000 / fault.every, count)
    case 'endless':
      head(200, fault.headers)
      while (!response.destroyed) await sendPaced(response, ZEROS, 0, count)
      return undefined
    case 'reset':
      return void response.socket?.destroy()
    case 'hang':
      return undefined
  }
}

const ZEROS = Buffer.alloc(1 << 20)
