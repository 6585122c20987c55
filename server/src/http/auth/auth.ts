import type { IncomingMessage } from 'node:http'
import type { Access } from '../../access/access.ts'
import type { Devices } from '../../access/issued/devices.ts'
import type { Sessions } from '../../access/issued/sessions.ts'
import type { TokenRecords } from '../../access/tokens/access-tokens.ts'
import { endByBearer } from '../../access/tokens/end-by-bearer.ts'
import { TOKEN_PREFIX } from '../../access/tokens/token-format.ts'
import type { Workloads } from '../../access/workloads/workloads.ts'
import { ModsteadError } from '../../errors.ts'
import type { Observer } from '../../observe/observer.ts'
import type { Action, ActionExchange, Noted } from '../action.ts'
import { createBodyReader } from '../read-body.ts'
import { rawTarget } from '../request-path.ts'
import { senderOf } from '../sender.ts'
import { createFailures } from './failures.ts'
import { fieldOf, parseForm } from './form.ts'
import { CLIENT, createGrants, grantName, grantTypes } from './grants.ts'
import { failure, type OauthFailure, oauthRefusal } from './oauth-errors.ts'

export interface AuthOptions {
  access: Access
  issued: { issuer: string; sessions: Sessions; devices: Devices; workloads?: Workloads }
  /** Tokens that were made with `modstead token create`. */
  tokens: Pick<TokenRecords, 'token' | 'revokeToken'>
  /** `''`, or a path like `/goproxy`: the endpoints are found below it and at the root. */
  prefix: string
  /** The address of this server as whoever asks knows it, with the prefix. */
  addressFor: (req: IncomingMessage) => string
  observer: Observer
  /** Whether an address alone may be shut out: not where all requests come from one reverse proxy. */
  countAddresses: boolean
}

/** The largest token has 8 KiB. Bytes; milliseconds. */
const BODIES = { each: 16 << 10, together: 4 << 20, deadline: 5_000 }
/** Of one client: many jobs may come from one address. */
const BODIES_OF_ONE = 64
const METADATA = '/.well-known/oauth-authorization-server'
/** Methods of the endpoints by their path. */
export const AUTH_ENDPOINTS: Readonly<Record<string, 'GET' | 'POST'>> = {
  [METADATA]: 'GET',
  '/auth/device': 'POST',
  '/auth/token': 'POST',
  '/auth/revoke': 'POST',
  '/auth/whoami': 'GET',
}

/**
 * The endpoints for programs that sign in: forms in, JSON out. Cookies count for nothing here, and no web page of others
 * may read an answer.
 *
 *     GET  /.well-known/oauth-authorization-server    what there is (RFC 8414)
 *     POST /auth/device                               a code for a person, and one for the device (RFC 8628)
 *     POST /auth/token                                tokens for that, for a refresh token, or for a job (RFC 6749, 8693)
 *     POST /auth/revoke                               ends a session or a token (RFC 7009)
 *     GET  /auth/whoami                               who the bearer of a credential is
 *
 * A POST to /auth/device with a query comes from the page of that name, and is not for here.
 */
export function createAuth(options: AuthOptions): Action {
  const { access, issued, prefix, addressFor } = options
  const { issuer, sessions, devices, workloads } = issued
  const readBody = createBodyReader({ ...BODIES, ...(options.countAddresses && { ofOne: BODIES_OF_ONE }) })
  const grant = createGrants({ sessions, devices, issuer, ...(workloads && { workloads }) })
  const outcomes = options.observer.counter(
    'modstead_auth_grants_total',
    'Requests for tokens by kind and outcome.',
    ['grant', 'outcome'],
  )
  const failures = createFailures(options.countAddresses)

  const pathIn = (req: IncomingMessage) => authEndpoint(req, prefix)

  function metadata(req: IncomingMessage): object {
    const address = addressFor(req)
    return {
      // As tokens say, by whichever of its addresses this site was reached.
      issuer,
      token_endpoint: `${address}/auth/token`,
      device_authorization_endpoint: `${address}/auth/device`,
      revocation_endpoint: `${address}/auth/revoke`,
      grant_types_supported: grantTypes(workloads !== undefined),
      response_types_supported: [],
      token_endpoint_auth_methods_supported: ['none'],
      revocation_endpoint_auth_methods_supported: ['none'],
    }
  }

  async function beginDevice(
    { req, note }: ActionExchange,
    form: ReadonlyMap<string, string>,
  ): Promise<object> {
    if (fieldOf(form, 'client_id') !== CLIENT)
      return failure('invalid_client', `client_id can only be ${CLIENT}`)
    const begun = await devices.begin(senderOf(req).address, options.countAddresses)
    note?.({ event: { type: 'authentication', result: 'ok' }, detail: `device ${begun.id} begun` })
    const page = `${addressFor(req)}/auth/device`
    return {
      device_code: begun.deviceCode,
      user_code: begun.userCode,
      verification_uri: page,
      verification_uri_complete: `${page}?user_code=${begun.userCode}`,
      expires_in: begun.expiresIn,
      interval: begun.interval,
    }
  }

  /** What is no token of ours, or has ended, is revoked already (RFC 7009, section 2.2): nothing to record. */
  async function revoke(token: string): Promise<Noted | undefined> {
    const admin = { type: 'admin', result: 'ok' } as const
    if (token.startsWith(TOKEN_PREFIX)) {
      const record = await endByBearer(options.tokens, token)
      if (record === undefined) return undefined
      const principal = { id: record.owner.name, kind: record.owner.kind }
      return { event: { ...admin, principal, action: 'token.revoke' }, detail: `token ${record.id}` }
    }
    // The id of a session is no secret: only its tokens end it here.
    const ended = /[._]/.test(token) ? await sessions.end(token) : undefined
    if (ended === undefined) return undefined
    const { principal, session } = ended
    return {
      event: {
        ...admin,
        ...(principal !== undefined && { principal }),
        action: session === undefined ? 'token.revoke' : 'session.end',
      },
      detail: session === undefined ? 'an access token without a session' : `session ${session}`,
    }
  }

  async function whoami(req: IncomingMessage): Promise<object> {
    const { kind, id, groups, tenant, expires } = await access.identify(senderOf(req))
    if (kind === 'anonymous')
      throw new ModsteadError('unauthenticated', 'nobody is signed in: the request presents no credential')
    return {
      kind,
      id,
      groups,
      ...(tenant !== undefined && { tenant }),
      ...(expires !== undefined && { expires: new Date(expires).toISOString() }),
    }
  }

  async function answerForm(path: string, exchange: ActionExchange): Promise<object> {
    const { req, signal, note } = exchange
    const { address } = senderOf(req)
    failures.check(address)
    const form = parseForm(req, await readBody(req, signal))
    if (path === '/auth/device') return beginDevice(exchange, form)
    if (path === '/auth/revoke') {
      const ended = await revoke(fieldOf(form, 'token'))
      if (ended !== undefined) note?.(ended)
      return {}
    }
    const { reply, event, about } = await grant(form, signal)
    const failed = 'error' in reply ? reply.error : undefined
    const name = grantName(form)
    if (event !== undefined)
      note?.({ event, detail: [`grant ${name}`, failed ?? about ?? []].flat().join(': ') })
    outcomes.add(1, name, failed ?? 'ok')
    if (failed !== undefined) failures.note(address, failed)
    // What the job is told, without its claims: those may name people.
    if ('error' in reply && failed === 'invalid_grant')
      options.observer.log.info(
        { grant: name, address, reason: reply.error_description },
        'no token was given',
      )
    return reply
  }

  return {
    kind: 'auth',
    takes: (req) => pathIn(req) !== undefined,
    refusalFor: oauthRefusal,
    async answer(exchange) {
      const { req, res } = exchange
      const path = pathIn(req) ?? ''
      const method = AUTH_ENDPOINTS[path]!
      const allowed = method === 'GET' ? ['GET', 'HEAD'] : ['POST']
      if (!allowed.includes(req.method ?? ''))
        throw new ModsteadError('method_not_allowed', `this endpoint takes ${allowed.join(' and ')}`, {
          next: `use ${method}`,
          allow: allowed.join(', '),
        })
      const value =
        path === METADATA
          ? metadata(req)
          : path === '/auth/whoami'
            ? await whoami(req)
            : await answerForm(path, exchange)
      const failed = 'error' in value ? (value as OauthFailure).error : undefined
      const bytes = Buffer.from(`${JSON.stringify(value)}\n`)
      res.writeHead(failed === undefined ? 200 : failed === 'invalid_client' ? 401 : 400, [
        'Content-Type',
        'application/json',
        'Content-Length',
        String(bytes.length),
        'Cache-Control',
        'no-store',
        'X-Content-Type-Options',
        'nosniff',
      ])
      res.end(req.method === 'HEAD' ? undefined : bytes)
      return req.method === 'HEAD' ? 0 : bytes.length
    },
  }
}

/** The endpoint that a request is for; `undefined` where that is none of these. */
export function authEndpoint(req: IncomingMessage, prefix: string): string | undefined {
  const target = rawTarget(req).replace(/^https?:\/\/[^/?]*/i, '')
  const [path = '', query] = target.split('?', 2)
  if (path === METADATA + prefix) return METADATA
  const rest = prefix !== '' && path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path
  const isPage = rest === '/auth/device' && (req.method !== 'POST' || query !== undefined)
  return Object.hasOwn(AUTH_ENDPOINTS, rest) && !isPage ? rest : undefined
}
