import type { IncomingMessage, ServerResponse } from 'node:http'
import { type SignInDesk, viaOf } from '../../access/browser/sign-in.ts'
import { ANONYMOUS } from '../../access/principal.ts'
import { ModsteadError } from '../../errors.ts'
import type { Observer } from '../../observe/observer.ts'
import type { Action } from '../action.ts'
import { createBodyReader } from '../read-body.ts'
import { rawTarget } from '../request-path.ts'
import { parseForm } from './form.ts'

export interface BackchannelLogoutOptions {
  desk: SignInDesk
  /** `''`, or a path like `/goproxy`. */
  prefix: string
  observer: Observer
  /** As in `AuthOptions`. */
  countAddresses: boolean
}

/** A logout token is a JWT of a few hundred bytes. Bytes; milliseconds. */
const BODIES = { each: 16 << 10, together: 1 << 20, ofOne: 16, deadline: 5_000 }

/**
 * `POST /auth/backchannel-logout/NAME`: a provider says that somebody has signed out there, or was (OpenID Connect
 * Back-Channel Logout 1.0). All sessions that rest on that sign-in end, those of command lines too.
 */
export function createBackchannelLogout({
  desk,
  prefix,
  observer,
  countAddresses,
}: BackchannelLogoutOptions): Action {
  const readBody = createBodyReader({ ...BODIES, ...(!countAddresses && { ofOne: undefined }) })

  /** Those of whoever it was, as far as they rest on one of the sign-ins that have ended. Gives their ids. */
  async function endSessions(
    provider: string,
    ended: readonly { id: string; user: string }[],
  ): Promise<string[]> {
    const sessions: string[] = []
    for (const { id, user } of ended) {
      const via = viaOf(provider, id)
      for (const session of await desk.browsers.list(user))
        if (session.via === via && (await desk.browsers.end(session.id))) sessions.push(session.id)
      for (const session of await desk.sessions.list({ kind: 'user', id: user }))
        if (session.via === via && (await desk.sessions.end(session.id))) sessions.push(session.id)
    }
    return sessions
  }

  return {
    kind: 'auth',
    takes: (req) => nameIn(req, prefix) !== undefined,
    async answer({ req, res, signal, note }) {
      const provider = desk.providers.get(nameIn(req, prefix) ?? '')
      if (provider === undefined) throw new ModsteadError('no_endpoint', 'there is no provider of this name')
      if (req.method !== 'POST')
        throw new ModsteadError('method_not_allowed', 'a logout takes only POST', { allow: 'POST' })
      const token = parseForm(req, await readBody(req, signal)).get('logout_token') ?? ''
      const { name } = provider.config
      const said = await desk.logoutTokens.verify(provider, token)
      if (typeof said === 'string') {
        note?.({
          event: { type: 'authentication', result: 'failed' },
          detail: `back-channel logout: ${name}`,
        })
        observer.log.warn({ provider: name, problem: said }, 'a logout token was refused')
        // Section 2.8.
        return send(res, 400, { error: 'invalid_request', error_description: said })
      }
      const ended = await desk.signins.endAt(name, said)
      const sessions = await endSessions(name, ended)
      // A provider speaks of one person at a time.
      const [first] = ended
      const principal = first === undefined ? ANONYMOUS : ({ kind: 'user', id: first.user } as const)
      note?.({
        event: { type: 'authentication', result: 'ok', principal },
        detail: [`back-channel logout: ${name}: ${sessions.length} sessions ended`, ...sessions].join(' '),
      })
      observer.log.info(
        { provider: name, users: ended.map(({ user }) => user) },
        'a provider signed somebody out',
      )
      return send(res, 200, {})
    },
  }
}

function nameIn(req: IncomingMessage, prefix: string): string | undefined {
  const [path = ''] = rawTarget(req).split('?', 1)
  const start = ['/auth/backchannel-logout/', `${prefix}/auth/backchannel-logout/`].find((start) =>
    path.startsWith(start),
  )
  return start === undefined ? undefined : path.slice(start.length)
}

function send(res: ServerResponse, status: number, value: object): number {
  const body = JSON.stringify(value)
  res.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  })
  res.end(body)
  return Buffer.byteLength(body)
}
