import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Access } from '../../access/access.ts'
import { ModsteadError } from '../../errors.ts'
import type { Action, ActionExchange } from '../action.ts'
import { createBodyReader } from '../read-body.ts'
import { rawTarget, requestPath } from '../request-path.ts'
import { senderOf } from '../sender.ts'
import { ANONYMOUS, type Principal } from '../../access/principal.ts'
import type { ApiEndpoint, Needed } from './endpoint.ts'
import { problemFor } from './problem.ts'

export interface ApiOptions {
  endpoints: readonly ApiEndpoint[]
  access: Access
  /** `''`, or a path like `/goproxy`: the API is found below it and at the root. */
  prefix: string
  /** Who it is by the cookie of a browser; see `BrowserDoor`. Absent: nobody signs in with one. */
  browser?: (req: IncomingMessage) => Promise<Principal | undefined>
}

/** Bodies say what a person could have typed. Bytes; milliseconds. */
const BODIES = { each: 64 << 10, together: 8 << 20, deadline: 10_000 }
const ROOT = '/api'
const VERSION = '/api/v1'

/**
 * The administrative API: `/api/v1/…`, JSON in and out. Who asks is known before anything of the query or body is
 * looked at, and every refusal is a problem (RFC 9457).
 */
export function createApi({ endpoints, access, prefix, browser }: ApiOptions): Action {
  const readBody = createBodyReader(BODIES)
  const known = endpoints.map((endpoint) => ({ endpoint, pattern: endpoint.path.split('/') }))

  /** What of the path of a request stands behind the prefix; `undefined` where that is none of the API. */
  function pathIn(target: string): string | undefined {
    const [path = ''] = target.replace(/^https?:\/\/[^/?]*/i, '').split('?', 1)
    const rest = prefix !== '' && path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path
    return rest === ROOT || rest.startsWith(`${ROOT}/`) ? rest : undefined
  }

  function find(method: string, path: string): { endpoint: ApiEndpoint; values: Record<string, string> } {
    const parts = path.slice(VERSION.length).split('/')
    const here = path.startsWith(`${VERSION}/`)
      ? known.flatMap(({ endpoint, pattern }) => {
          const values = valuesOf(pattern, parts)
          return values === undefined ? [] : [{ endpoint, values }]
        })
      : []
    if (here.length === 0)
      throw new ModsteadError('no_endpoint', 'the administrative API has nothing at this address', {
        next: `${VERSION}/openapi.json has the addresses`,
      })
    const wanted = method === 'HEAD' ? 'GET' : method
    const found = here.find(({ endpoint }) => endpoint.method === wanted)
    if (found !== undefined) return found
    const allow = here.flatMap(({ endpoint }) =>
      endpoint.method === 'GET' ? ['GET', 'HEAD'] : endpoint.method,
    )
    throw new ModsteadError('method_not_allowed', `${method} is not allowed here`, {
      next: `use ${allow.join(' or ')}`,
      allow: allow.join(', '),
    })
  }

  /** A cookie counts where no credential is presented: a program is not somebody because a browser is. */
  async function whoMay(
    req: IncomingMessage,
    needed: Needed,
    note: ActionExchange['note'],
  ): Promise<Principal> {
    if (needed === 'anybody') return ANONYMOUS
    const { authorization, 'x-auth-token': token, cookie } = req.headers
    const presents = authorization !== undefined || token !== undefined
    const visitor = presents || cookie === undefined ? undefined : await browser?.(req)
    if (visitor !== undefined) note?.({ principal: visitor })
    if (needed !== 'signed-in')
      return visitor === undefined ? access.require(senderOf(req), needed) : access.permit(visitor, needed)
    const principal = visitor ?? (await access.prove(senderOf(req)))
    if (principal.kind !== 'anonymous') return principal
    throw new ModsteadError('unauthenticated', 'the request has no credential, and this takes one', {
      next: 'send a token as Authorization: Bearer TOKEN',
    })
  }

  async function answer({ req, res, signal, note }: ActionExchange): Promise<number> {
    const target = rawTarget(req)
    const { path } = requestPath(target)
    const { endpoint, values } = find(req.method ?? '', pathIn(path) ?? '')
    const principal = await whoMay(req, endpoint.needs, note)
    const query = new URLSearchParams(/\?(.*)$/s.exec(target)?.[1] ?? '')
    const body = async () => jsonIn(req, await readBody(req, signal))
    const value = await endpoint.answer({
      values,
      query,
      principal,
      body,
      note: (facts) => note?.(facts),
    })
    // What was made has its id nowhere in the address.
    if (endpoint.status === 201 && 'id' in value && typeof value.id === 'string') note?.({ detail: value.id })
    return send(req, res, endpoint.status ?? 200, value)
  }

  return {
    kind: 'api',
    takes: (req) => pathIn(rawTarget(req)) !== undefined,
    answer,
    refusalFor: problemFor,
  }
}

/** The values of a path that fits a pattern; `undefined` where it does not. */
function valuesOf(pattern: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined
  const values: Record<string, string> = {}
  for (const [i, expected] of pattern.entries()) {
    const part = parts[i]!
    if (expected.startsWith(':') && part !== '') values[expected.slice(1)] = part
    else if (expected !== part) return undefined
  }
  return values
}

/** Nothing but JSON that says it is: what a web page can make a browser send without asking first is none. */
function jsonIn({ headers }: IncomingMessage, bytes: Buffer): Record<string, unknown> {
  const type = (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase()
  if (type !== 'application/json' || (headers['content-encoding'] ?? 'identity') !== 'identity')
    throw new ModsteadError('unsupported_media_type', 'the body is not declared as JSON, or is compressed', {
      next: 'send it with Content-Type: application/json',
    })
  const value = jsonOf(bytes)
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw new ModsteadError('bad_request', 'the body is not a JSON object', {
    next: 'send an object such as {"note": "looked at"}, in UTF-8',
  })
}

/** `undefined` for what is no JSON in UTF-8. */
function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}

function send(req: IncomingMessage, res: ServerResponse, status: number, value: object): number {
  const bytes = Buffer.from(`${JSON.stringify(value)}\n`)
  res.writeHead(status, [
    'Content-Type',
    'application/json',
    'Content-Length',
    String(bytes.length),
    'Cache-Control',
    'no-store',
    'X-Content-Type-Options',
    'nosniff',
  ])
  if (req.method === 'HEAD') {
    res.end()
    return 0
  }
  res.end(bytes)
  return bytes.length
}
