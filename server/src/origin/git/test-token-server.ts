/** A loopback server for tests that gives tokens, or fails to. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after } from 'node:test'
import { text } from 'node:stream/consumers'
import { listen } from '../test-upstream.ts'

export interface TokenRequest {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: string
}

export interface TokenAnswer {
  /** Default: 200. */
  status?: number
  headers?: Record<string, string>
  json?: unknown
  text?: string
  /** Never answers. */
  silent?: boolean
  /** Closes the connection. */
  broken?: boolean
}

export interface TokenServer {
  readonly url: string
  readonly seen: TokenRequest[]
  close(): Promise<void>
}

/** `answer` is told the number of the request, from 1. */
export async function startTokenServer(
  answer: (request: TokenRequest, number: number) => TokenAnswer,
): Promise<TokenServer> {
  const seen: TokenRequest[] = []
  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url: path = '', headers } = incoming
    const request = { method, path, headers, body: await text(incoming) }
    seen.push(request)
    const { status = 200, headers: own = {}, json, text: plain = '', ...odd } = answer(request, seen.length)
    if (odd.broken === true) response.destroy()
    else if (odd.silent !== true)
      response.writeHead(status, own).end(json === undefined ? plain : JSON.stringify(json))
  }
  const server = createServer((incoming, response) => void serve(incoming, response))
  await listen(server)
  const close = async (): Promise<void> => {
    running.delete(close)
    if (!server.listening) return
    const closed = Promise.withResolvers<void>()
    server.close(() => closed.resolve())
    server.closeAllConnections()
    await closed.promise
  }
  running.add(close)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, close }
}

/** Those that a failed test left behind would keep the process alive. */
const running = new Set<() => Promise<void>>()
after(async () => {
  await Promise.all(Array.from(running, (close) => close()))
})
