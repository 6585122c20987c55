import { request as plainRequest, type IncomingHttpHeaders } from 'node:http'
import { request as secureRequest } from 'node:https'

export interface HttpAnswer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
  /** False when the connection ended before the answer was whole. */
  complete: boolean
  /** Milliseconds from the request to its end. */
  took: number
}

export interface HttpOptions {
  method?: string
  headers?: Record<string, string>
  body?: string
  /** Ends the request; what came until then is the answer. */
  signal?: AbortSignal
  /** Sees each piece as it comes. */
  onData?: (chunk: Buffer) => void
  /** PEM of the authority to trust. */
  ca?: string
}

/**
 * One request over a connection of its own, with the path as it is written: nothing is normalised, followed, decoded
 * or retried. Rejects only when there is no answer at all.
 */
export function ask(base: string, path: string, options: HttpOptions = {}): Promise<HttpAnswer> {
  const { method = 'GET', headers = {}, body, signal, onData, ca } = options
  const { protocol, hostname, port } = new URL(base)
  const prefix = new URL(base).pathname.replace(/\/$/, '')
  const started = performance.now()
  return new Promise((resolve, reject) => {
    const settings = { hostname, port, path: prefix + path, method, headers, agent: false, ca, signal }
    const request = protocol === 'https:' ? secureRequest(settings) : plainRequest(settings)
    request.on('error', reject)
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        onData?.(chunk)
      })
      // A broken answer is an answer here; 'close' tells.
      response.on('error', () => response.destroy())
      response.on('close', () => {
        const took = performance.now() - started
        const { statusCode: status = 0, headers, complete } = response
        resolve({ status, headers, body: Buffer.concat(chunks), complete, took })
      })
    })
    request.end(body)
  })
}
