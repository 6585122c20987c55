import type { IncomingMessage } from 'node:http'
import type { BrowserSession } from '../../access/browser/browser-sessions.ts'
import { principalOf, type SignInDesk } from '../../access/browser/sign-in.ts'
import type { Principal } from '../../access/principal.ts'
import { ModsteadError } from '../../errors.ts'
import { type CookieNames, cookieIn, cookieNames } from './cookies.ts'
import { checkOrigin } from './same-origin.ts'

/** Who comes with a browser. Its cookie counts for pages and the administrative API, never for modules. */
export interface BrowserDoor {
  /** What its cookies say. Rejects with `store_unavailable`, and `directory_unavailable` where that has to be asked. */
  enter(req: IncomingMessage): Promise<Entered>
  /** The path of the site as browsers reach it: `''`, or one like `/goproxy` or `/t/acme`. */
  rootFor(req: IncomingMessage): string
  /** Throws `not_permitted` for what a page of another site made it send. */
  checkOrigin(req: IncomingMessage): 'same' | 'unknown'
  /**
   * For the administrative API: who it is by the cookie alone, where there is one. A method that changes something is
   * refused (`not_permitted`) unless the browser itself says that a page of this server sent it: programs take tokens.
   */
  principal(req: IncomingMessage): Promise<Principal | undefined>
}

export interface Entered {
  /** Where browsers reach this site, and the path of that: `''`, or one like `/goproxy`. */
  base: string
  root: string
  secure: boolean
  names: CookieNames
  /** All three or none: the session, whose it is, and its cookie. */
  session?: BrowserSession
  principal?: Principal
  secret?: string
}

export interface BrowserDoorOptions {
  desk: Pick<SignInDesk, 'browsers' | 'people'>
  /** Where a request reached this site. */
  addressFor: (req: IncomingMessage) => string
  /** The name of the tenant, or `''`. */
  scope: string
}

export function createBrowserDoor({ desk, addressFor, scope }: BrowserDoorOptions): BrowserDoor {
  const rootFor = (req: IncomingMessage): string => new URL(addressFor(req)).pathname.replace(/\/$/, '')

  async function enter(req: IncomingMessage): Promise<Entered> {
    const base = addressFor(req)
    const secure = new URL(base).protocol === 'https:'
    const names = cookieNames(scope, secure)
    const entered = { base, root: rootFor(req), secure, names }
    const secret = cookieIn(req, names.session)
    const session = secret === undefined ? undefined : await desk.browsers.find(secret)
    const principal = session && (await principalOf(session, desk.people, scope === '' ? undefined : scope))
    if (secret === undefined || session === undefined || principal === undefined) return entered
    return { ...entered, session, principal, secret }
  }

  return {
    enter,
    rootFor,
    checkOrigin: (req) => checkOrigin(req, addressFor(req)),
    async principal(req) {
      const { principal } = await enter(req)
      if (principal === undefined) return undefined
      const changes = !['GET', 'HEAD', 'OPTIONS'].includes(req.method ?? '')
      if (changes && checkOrigin(req, addressFor(req)) === 'unknown')
        throw new ModsteadError('not_permitted', 'nothing says that a page of this server sent the request', {
          next: 'a program takes a token: send "Authorization: Bearer TOKEN" and no cookie',
        })
      return principal
    },
  }
}
