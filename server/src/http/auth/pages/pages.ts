import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { formTokenOf } from '../../../access/browser/browser-sessions.ts'
import { ModsteadError } from '../../../errors.ts'
import type { Action, ActionExchange } from '../../action.ts'
import { createBodyReader } from '../../read-body.ts'
import { rawTarget } from '../../request-path.ts'
import { cookieIn, setCookie } from '../cookies.ts'
import { parseForm } from '../form.ts'
import { createAccount } from './account.ts'
import { createDevicePage } from './device.ts'
import { pageRefusal, sendReply } from './page.ts'
import { createSignIn } from './sign-in.ts'
import type { Handler, PagesOptions, Visit } from './visit.ts'

interface Page {
  get?: Handler
  post?: Handler
}

/** What there is below `/auth`, but for the providers' own addresses. */
export const AUTH_PAGES = [
  '',
  '/',
  '/signin',
  '/device',
  '/device/confirm',
  '/sessions/end',
  '/signout',
] as const

/** Forms have a handful of short fields. Bytes; milliseconds. */
const BODIES = { each: 8 << 10, together: 1 << 20, ofOne: 8, deadline: 5_000 }
/** Seconds: a sign-in page may stand open for a while. */
const FORM_COOKIE = 3_600

/**
 * The pages where people sign in, for themselves or for a device:
 *
 *     /auth                       who am I, where am I signed in
 *     /auth/signin                choose how; a user name and a password
 *     /auth/signin/NAME           goes to the provider, which comes back to
 *     /auth/callback/NAME
 *     /auth/device[/confirm]      lets a device in
 *     /auth/sessions/end          ends one session
 *     /auth/signout
 *
 * They work without scripts and styles. Whatever changes something is POST, comes from a page of ours (`Origin`,
 * `Sec-Fetch-Site`) and carries the token that only this browser has.
 */
export function createAuthPages(options: PagesOptions): Action {
  const { prefix, desk, door } = options
  const signIn = createSignIn(options)
  const device = createDevicePage(options)
  const account = createAccount(options)
  const readBody = createBodyReader({ ...BODIES, ...(!options.countAddresses && { ofOne: undefined }) })
  const fixed: Readonly<Record<(typeof AUTH_PAGES)[number], Page>> = {
    '': { get: account.show },
    '/': { get: account.show },
    '/signin': { get: signIn.show, post: signIn.withPassword },
    '/device': { get: device.show },
    '/device/confirm': { post: device.confirm },
    '/sessions/end': { post: account.endSession },
    '/signout': { get: account.askToLeave, post: account.leave },
  }

  function pageAt(path: string): Page | undefined {
    const known = AUTH_PAGES.find((page) => page === path)
    if (known !== undefined) return fixed[known]
    const [, kind, name = ''] = /^\/(signin|callback)\/([\w-]+)$/.exec(path) ?? []
    if (kind === undefined) return undefined
    return { get: kind === 'signin' ? signIn.atProvider(name) : signIn.callback(name) }
  }

  async function visitOf({ req, signal, note = () => undefined }: ActionExchange): Promise<Visit> {
    const { session, principal, secret, secure, names, base, root } = await door.enter(req)
    if (principal !== undefined) note({ principal })
    const known = secret ?? cookieIn(req, names.form)
    const formSecret = known ?? randomBytes(32).toString('base64url')
    const formToken = formTokenOf(formSecret)
    let form: ReadonlyMap<string, string> = new Map()
    if (req.method === 'POST') {
      // Before the body, which takes what others need, too.
      door.checkOrigin(req)
      if (known === undefined) throw stale()
      form = parseForm(req, await readBody(req, signal))
      if (!isSame(form.get('token') ?? '', formToken)) throw stale()
    }
    return {
      req,
      signal,
      query: new URLSearchParams(/\?(.*)$/s.exec(rawTarget(req))?.[1] ?? ''),
      form,
      base,
      root,
      secure,
      names,
      ...(session && { session }),
      ...(principal && { principal }),
      formToken,
      note,
      ...(known === undefined && {
        formCookie: setCookie(names.form, formSecret, { secure, seconds: FORM_COOKIE }),
      }),
    }
  }

  return {
    kind: 'auth',
    takes(req) {
      const path = pathOf(req, prefix)
      const page = path === undefined ? undefined : pageAt(path)
      if (page === undefined) return false
      // A device begins at the same address (RFC 8628), with POST.
      return path !== '/device' || isRead(req)
    },
    async answer(exchange) {
      const { req, res } = exchange
      const page = pageAt(pathOf(req, prefix) ?? '') ?? {}
      const handler = isRead(req) ? page.get : req.method === 'POST' ? page.post : undefined
      if (handler === undefined)
        throw new ModsteadError('method_not_allowed', `${req.method} is not allowed here`, {
          allow: [...(page.get ? ['GET', 'HEAD'] : []), ...(page.post ? ['POST'] : [])].join(', '),
        })
      return sendReply(req, res, await handler(await visitOf(exchange)))
    },
    refusalFor: (error, decision, req) => pageRefusal(error, decision, `${door.rootFor(req)}/auth/signin`),
  }

  function stale(): ModsteadError {
    return new ModsteadError(
      'not_permitted',
      'the form is not one that this server gave to this browser, or too old',
      {
        next:
          desk.providers.size > 0 || desk.password !== undefined
            ? 'open the page again; cookies of this server must be allowed'
            : 'ask who runs this server for a way to sign in',
      },
    )
  }
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}

const isRead = ({ method }: IncomingMessage): boolean => method === 'GET' || method === 'HEAD'

/** What stands behind `/auth`, at the root or below the prefix; `undefined` for other paths. */
function pathOf(req: IncomingMessage, prefix: string): string | undefined {
  const [path = ''] = rawTarget(req)
    .replace(/^https?:\/\/[^/?]*/i, '')
    .split('?', 1)
  const start = [`${prefix}/auth`, '/auth'].find((start) => path === start || path.startsWith(`${start}/`))
  return start === undefined ? undefined : path.slice(start.length)
}
