import type { IncomingMessage } from 'node:http'
import type { BrowserSession } from '../../access/browser/browser-sessions.ts'
import { principalOf, type SignInDesk } from '../../access/browser/sign-in.ts'
import type { Principal } from '../../access/principal.ts'
import { ModsteadError } from '../../errors.ts'
import { addressFor } from '../request-host.ts'
import { type CookieNames, cookieIn, cookieNames } from './cookies.ts'
import { checkOrigin } from './same-origin.ts'

/** Who comes with a browser. Its cookie counts for pages and the administrative API, never for modules. */
export interface BrowserDoor {
  /** What its cookies say. Rejects with `store_unavailable`. */
  enter(req: IncomingMessage): Promise<Entered>
  /** Throws `not_permitted` for what a page of another site made it send. */
  checkOrigin(req: IncomingMessage): 'same' | 'unknown'
  /**
   * For the administrative API: who it is by the cookie alone, where there is one. A method that changes something is
   * refused (`not_permitted`) unless the browser itself says that a page of this server sent it: programs take tokens.
   */
  principal(req: IncomingMessage): Promise<Principal | undefined>
  /** Where browsers reach this server, with the prefix. */
  baseOf(req: IncomingMessage): string
}

export interface Entered {
  secure: boolean
  names: CookieNames
  session?: BrowserSession
  /** Of its cookie. */
  secret?: string
}

export interface BrowserDoorOptions {
  desk: Pick<SignInDesk, 'browsers' | 'groupsOf'>
  /** Without the prefix; absent: as each request says. */
  publicUrl: string | undefined
  /** `''`, or a path like `/goproxy`. */
  prefix: string
  /** The name of the tenant, or `''`. */
  scope: string
}

export function createBrowserDoor({ desk, publicUrl, prefix, scope }: BrowserDoorOptions): BrowserDoor {
  async function enter(req: IncomingMessage): Promise<Entered> {
    const secure = publicUrl?.startsWith('https:') ?? 'encrypted' in req.socket
    const names = cookieNames(scope, secure)
    const secret = cookieIn(req, names.session)
    const session = secret === undefined ? undefined : await desk.browsers.find(secret)
    return { secure, names, ...(session !== undefined && secret !== undefined && { session, secret }) }
  }

  return {
    enter,
    checkOrigin: (req) => checkOrigin(req, publicUrl),
    async principal(req) {
      const { session } = await enter(req)
      if (session === undefined) return undefined
      const changes = !['GET', 'HEAD', 'OPTIONS'].includes(req.method ?? '')
      if (changes && checkOrigin(req, publicUrl) === 'unknown')
        throw new ModsteadError('not_permitted', 'nothing says that a page of this server sent the request', {
          next: 'a program takes a token: send "Authorization: Bearer TOKEN" and no cookie',
        })
      return principalOf(session, desk)
    },
    baseOf: (req) =>
      addressFor(req, { publicUrl, prefix, fallbackAddress: () => 'http://localhost' + prefix }),
  }
}
