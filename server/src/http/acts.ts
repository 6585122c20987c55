import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Access } from '../access/access.ts'
import { ModsteadError } from '../errors.ts'
import type { Acts } from '../proxy/acts.ts'
import type { ModuleRequest } from '../proxy/request.ts'
import { remarkProblem } from '../proxy/remark.ts'
import type { Action, ActionExchange } from './action.ts'
import { rawTarget } from './request-path.ts'
import { createParser, formatModuleRequest, parseVersionPath } from './parse.ts'
import { senderOf } from './sender.ts'
import { streamBody } from './stream-body.ts'

export interface ActsOptions {
  acts: Pick<Acts, 'publish' | 'delete'>
  access: Access
  /** `''`, or a path like `/goproxy`. */
  prefix: string
  /** The address for GOPROXY under which a request came. */
  addressFor: (req: IncomingMessage) => string
}

/**
 * Makes the endpoints
 *
 *     PUT    PREFIX/MODULE/@v/VERSION.zip     publishes a version: 201, or 200 where it was there
 *     DELETE PREFIX/MODULE/@v/VERSION         deletes it, for the reason in Modstead-Reason: 200
 *
 * Who asks is known before anything of the body is read.
 */
export function createActs({ acts, access, prefix, addressFor }: ActsOptions): Action[] {
  const parse = createParser({ prefix, databases: [] })

  async function publish({ req, res, note }: ActionExchange): Promise<number> {
    const endpoint = orNotAllowed(() => parse(rawTarget(req)))
    if (endpoint.kind !== 'module' || endpoint.request.kind !== 'zip')
      throw new ModsteadError('method_not_allowed', 'only the zip of a version can be put here', {
        next: 'the go.mod and the .info of a version are made from its zip: put that alone',
      })
    const { module, version } = endpoint.request
    note?.({ module, version })
    const { id: who } = await access.require(senderOf(req), 'module:publish', module)
    const { outcome, h1, goModH1 } = await acts.publish({
      module,
      version,
      who,
      ...announced(req),
      chunks: streamBody(req, res),
    })
    const created = outcome === 'published'
    const text = `${outcome} ${module}@${version} ${h1}\n${module}@${version}/go.mod ${goModH1}\n`
    return send(
      res,
      created ? 201 : 200,
      text,
      created ? ['Location', locationOf(req, endpoint.request)] : [],
    )
  }

  /** With what stands before the site in the address that the client knows. */
  function locationOf(req: IncomingMessage, request: ModuleRequest): string {
    return new URL(addressFor(req)).pathname.replace(/\/$/, '') + formatModuleRequest(request)
  }

  async function remove({ req, res, note }: ActionExchange): Promise<number> {
    const { module, version } = orNotAllowed(() => parseVersionPath(rawTarget(req), prefix))
    note?.({ module, version })
    const { id: who } = await access.require(senderOf(req), 'module:delete', module)
    const reason = reasonOf(req)
    note?.({ detail: reason })
    const { h1, deletion, again } = await acts.delete({ module, version, who, reason })
    const when = new Date(deletion.at).toISOString()
    const hash = h1 === undefined ? '' : ` ${h1}`
    const text = again
      ? `${module}@${version}${hash}\nwas deleted before, on ${when} by ${deletion.who}: ${deletion.reason}\n`
      : `deleted ${module}@${version}${hash}\n`
    return send(res, 200, text)
  }

  return [
    { kind: 'publish', takes: ({ method }) => method === 'PUT', answer: publish },
    { kind: 'delete', takes: ({ method }) => method === 'DELETE', answer: remove },
  ]
}

/** Other addresses can be read, if that. */
function orNotAllowed<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof ModsteadError) || error.code !== 'no_endpoint') throw error
    throw new ModsteadError('method_not_allowed', 'this address can only be read, if that', {
      next: 'use GET or HEAD; PUT is for /@v/VERSION.zip, DELETE for /@v/VERSION',
    })
  }
}

function send(res: ServerResponse, status: number, text: string, more: readonly string[] = []): number {
  const bytes = Buffer.from(text)
  res.writeHead(status, [
    'Content-Type',
    'text/plain; charset=utf-8',
    'Content-Length',
    String(bytes.length),
    'Cache-Control',
    'no-store',
    'X-Content-Type-Options',
    'nosniff',
    ...more,
  ])
  res.end(bytes)
  return bytes.length
}

/** What the headers say of the body. */
function announced({ headers }: IncomingMessage): { size?: number; sha256?: string } {
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity')
    throw new ModsteadError('bad_request', 'the zip is sent compressed once more', {
      next: 'send it as it is, without Content-Encoding',
    })
  if (headers['content-range'] !== undefined)
    throw new ModsteadError('bad_request', 'a zip is put whole or not at all', {
      next: 'send it without Content-Range',
    })
  const size = headers['content-length']
  const digest = headers['content-digest']?.toString() ?? ''
  // RFC 9530: other algorithms may stand beside it.
  const [, sha256] = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):/.exec(digest) ?? []
  return {
    ...(size !== undefined && { size: Number(size) }),
    ...(sha256 !== undefined && { sha256: Buffer.from(sha256, 'base64').toString('hex') }),
  }
}

/** One line, for it is shown to everybody who asks for the version. */
function reasonOf({ headers }: IncomingMessage): string {
  const value = headers['modstead-reason']?.toString() ?? ''
  const reason = Buffer.from(value, 'latin1').toString().trim()
  if (reason === '')
    throw new ModsteadError('bad_request', 'a deletion needs a reason', {
      next: 'send the header Modstead-Reason: it is shown to whoever asks for the version, and recorded',
    })
  const problem = remarkProblem(reason)
  if (problem !== undefined) throw new ModsteadError('bad_request', `the reason ${problem}`)
  return reason
}
