import http from 'node:http'
import https from 'node:https'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { TOKEN_VARIABLE } from '../config/settings.ts'
import { ModsteadError } from '../errors.ts'
import type { CommandContext } from './context.ts'
import { readToken } from './token.ts'

/** How the commands that talk to a running modstead find it. */
export interface RemoteFlags {
  /** Its address as in GOPROXY: with the path prefix, if it has one. */
  to: string
  tokenFile?: string
}

export interface RemoteRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below the address. */
  path: string
  headers: Record<string, string>
  /** What is sent, with its length in bytes. */
  body?: { size: number; open(): Readable }
}

/** How long no byte may move: storing a large zip takes the server a while. Milliseconds. */
const IDLE = 300_000
/** How long the server, or what stands before it, may take to say that it wants the body. Milliseconds. */
const CONTINUE = 3_000
/** What is sent without asking whether it is wanted. Bytes. */
const SMALL_BODY = 64 << 10
/** What Node calls certificates of an authority that it does not know. */
const UNTRUSTED = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])
const LARGEST_ANSWER = 4 << 20

/**
 * Sends a request to a modstead, with the token that a person has given, and gives the text of its answer. Throws
 * `config_invalid` for flags that make no sense, `upstream_refused` with the server's own words, `upstream_unreachable`
 * where there is no answer.
 */
export async function askRemote(
  flags: RemoteFlags,
  request: RemoteRequest,
  context: Pick<CommandContext, 'env' | 'cwd'>,
): Promise<string> {
  const base = addressOf(flags.to)
  const token = await readToken(flags, context)
  return ask(base, { ...request, headers: { ...request.headers, Authorization: `Bearer ${token}` } })
}

/** The same for what everybody may read: no token is needed, and none is shown. `path` is below the address. */
export async function readRemote(to: string, path: string): Promise<string> {
  return ask(addressOf(to), { method: 'GET', path, headers: {} })
}

async function ask(base: URL, request: RemoteRequest): Promise<string> {
  const url = new URL(base.pathname.replace(/\/$/, '') + request.path, base)
  const { status, text } = await exchange(url, request).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code ?? cause.message
    if (UNTRUSTED.has(reason))
      throw new ModsteadError(
        'upstream_unreachable',
        `the certificate of ${base.host} is not trusted (${reason})`,
        {
          cause,
          next: 'name the certificate of its authority: NODE_EXTRA_CA_CERTS=/path/to/ca.pem',
        },
      )
    throw new ModsteadError('upstream_unreachable', `${base.host} gave no answer (${reason})`, {
      cause,
      next: 'check the address in --to, and that modstead runs there',
    })
  })
  if (status >= 200 && status < 300) return text
  const [message = '', next] = wordsOf(text)
  throw new ModsteadError('upstream_refused', `${base.host} refused it with ${status}: ${message}`, {
    ...(next !== undefined && { next }),
  })
}

/** Cause and next step, out of a text or a problem. */
function wordsOf(text: string): (string | undefined)[] {
  try {
    const { detail, next } = JSON.parse(text) as { detail?: unknown; next?: unknown }
    return [detail, next].map((word) => (typeof word === 'string' ? word : undefined))
  } catch {
    return text.split('\n').filter((line) => line.trim() !== '')
  }
}

function addressOf(to: string): URL {
  const url = URL.parse(to)
  if (url === null || !['http:', 'https:'].includes(url.protocol) || /[?#]/.test(to))
    throw new ModsteadError('config_invalid', '--to: expected the address of a modstead, as in GOPROXY', {
      next: 'write it as in --to https://go.corp.example',
    })
  // Everyone on the machine can read the arguments of a process.
  if (url.username + url.password !== '')
    throw new ModsteadError('config_invalid', '--to: a token does not belong into the address', {
      next: `put it into the variable ${TOKEN_VARIABLE}, or into a file that --token-file names`,
    })
  return url
}

/** The body goes out once the server asks for it; an answer that comes before or meanwhile ends the sending. */
async function exchange(
  url: URL,
  { method, headers, body }: RemoteRequest,
): Promise<{ status: number; text: string }> {
  const { request: open } = url.protocol === 'https:' ? https : http
  const asksFirst = body !== undefined && body.size > SMALL_BODY
  const request = open(url, {
    method,
    agent: false,
    timeout: IDLE,
    headers: {
      ...headers,
      ...(body && { 'Content-Length': String(body.size) }),
      ...(asksFirst && { Expect: '100-continue' }),
    },
  })
  request.on('timeout', () => request.destroy(new Error(`nothing came for ${IDLE / 1000} seconds`)))
  const answered = Promise.withResolvers<http.IncomingMessage>()
  request.once('response', answered.resolve)
  request.on('error', answered.reject)
  const sending = new AbortController()
  if (body === undefined) request.end()
  else {
    if (asksFirst) {
      request.flushHeaders()
      await Promise.race([asksForBody(request), answered.promise])
    }
    const done = answered.promise.then(() => sending.abort()) // its rejection is that of the exchange
    done.catch(() => undefined)
    if (!sending.signal.aborted)
      pipeline(body.open(), request, { signal: sending.signal }).catch((error: unknown) => {
        if (!sending.signal.aborted) answered.reject(error)
      })
  }
  const response = await answered.promise
  return { status: response.statusCode ?? 0, text: await textOf(response) }
}

function asksForBody(request: http.ClientRequest): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, CONTINUE)
  request.once('continue', resolve)
  request.once('close', resolve)
  return promise.finally(() => clearTimeout(timer))
}

async function textOf(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    if ((size += chunk.length) > LARGEST_ANSWER) break
  }
  return Buffer.concat(chunks).toString()
}
