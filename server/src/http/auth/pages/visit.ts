import type { IncomingMessage } from 'node:http'
import type { BrowserSession } from '../../../access/browser/browser-sessions.ts'
import type { SignInDesk } from '../../../access/browser/sign-in.ts'
import type { Principal } from '../../../access/principal.ts'
import type { Observer } from '../../../observe/observer.ts'
import type { ActionExchange } from '../../action.ts'
import type { BrowserDoor } from '../browser-door.ts'
import type { CookieNames } from '../cookies.ts'
import type { Reply } from './page.ts'

/** What all pages of the sign-in work with. */
export interface PagesOptions {
  desk: SignInDesk
  door: BrowserDoor
  /** `''`, or a path like `/goproxy`. */
  prefix: string
  observer: Observer
  /** As in `AuthOptions`. */
  countAddresses: boolean
}

/** One request for a page. */
export interface Visit {
  req: IncomingMessage
  /** Fires when the client is gone. */
  signal: AbortSignal
  query: URLSearchParams
  /** The fields of the form that was sent; empty for GET. It came from a page of ours, as far as that can be known. */
  form: ReadonlyMap<string, string>
  /** Where browsers reach this site, and the path of that: `''`, or one like `/goproxy`. */
  base: string
  root: string
  secure: boolean
  names: CookieNames
  session?: BrowserSession
  /** Whose it is. */
  principal?: Principal
  /** What forms of this browser carry, and the cookie that it needs for that. */
  formToken: string
  formCookie?: string
  /** Told what the audit log says of it. */
  note: NonNullable<ActionExchange['note']>
}

/** Answers one page. What it throws becomes a page that says so. */
export type Handler = (visit: Visit) => Promise<Reply>
