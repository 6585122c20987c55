import type { IncomingMessage, ServerResponse } from 'node:http'
import { escapeHtml, htmlPage, htmlPolicy } from '../../html-page.ts'
import { refusalIn, type Refusal } from '../../statuses.ts'

/** What a page of the sign-in answers. */
export interface Reply {
  /** Default: 200, or 303 with `location`. */
  status?: number
  /** HTML of the whole page. */
  html?: string
  /** Where the browser goes on: an absolute URL, or a path of this server. */
  location?: string
  cookies?: readonly string[]
  /** Origins that its forms may lead to besides this one. */
  formOrigins?: readonly string[]
}

/** All pages of the sign-in have this form. `body` is HTML. */
export function signInPage(title: string, body: string): string {
  return htmlPage({
    title: `${escapeHtml(title)} · modstead`,
    body: `<h1>${escapeHtml(title)}</h1>\n${body}`,
  })
}

/** A field that a person does not see. */
export function hidden(name: string, value: string): string {
  return `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`
}

/** A time as a page shows it: UTC, to the minute. */
export function shownTime(at: number): string {
  const text = new Date(at).toISOString()
  return `<time datetime="${text}">${text.slice(0, 16).replace('T', ' ')} UTC</time>`
}

/** Sends it, and gives the bytes of the body. */
export function sendReply(
  req: IncomingMessage,
  res: ServerResponse,
  { location, html = '', status = location === undefined ? 200 : 303, cookies = [], formOrigins = [] }: Reply,
): number {
  const body = Buffer.from(html)
  res.writeHead(status, [
    ...pageHeaders(formOrigins).flat(),
    ...(location === undefined ? [] : ['Location', location]),
    ...cookies.flatMap((cookie) => ['Set-Cookie', cookie]),
    'Content-Length',
    String(body.length),
  ])
  res.end(req.method === 'HEAD' ? undefined : body)
  return req.method === 'HEAD' ? 0 : body.length
}

/** The same for an error, as a page. `home` is where one can begin again. */
export function pageRefusal(error: unknown, decision: string | undefined, home: string): Refusal {
  const refusal = refusalIn(
    'text/html; charset=utf-8',
    error,
    decision,
    ({ cause, next, status, decision }) =>
      signInPage(
        status >= 500 ? 'That did not work' : 'That is not possible',
        `<p>${escapeHtml(sentence(cause))}</p>\n<p>${escapeHtml(sentence(next))}</p>\n${decision === undefined ? '' : `<p>Decision: ${escapeHtml(decision)}</p>\n`}<p><a href="${escapeHtml(home)}">Sign in</a></p>`,
      ),
  )
  // A browser would ask for a password of its own.
  const kept = pairs(refusal.headers).filter(
    ([name]) =>
      !['WWW-Authenticate', 'Content-Type', 'Cache-Control', 'X-Content-Type-Options'].includes(name),
  )
  return { ...refusal, headers: [...kept, ...pageHeaders([])].flat() }
}

/**
 * `same-origin`, and no stricter: without a referrer browsers would send forms with `Origin: null`. Other windows that
 * were opened from here, or opened this, have no hold on it.
 */
function pageHeaders(formOrigins: readonly string[]): [name: string, value: string][] {
  return [
    ['Content-Type', 'text/html; charset=utf-8'],
    ['Cache-Control', 'no-store'],
    ['X-Content-Type-Options', 'nosniff'],
    ['Content-Security-Policy', htmlPolicy(["'self'", ...formOrigins])],
    ['Referrer-Policy', 'same-origin'],
    ['Cross-Origin-Opener-Policy', 'same-origin'],
  ]
}

function pairs(flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!])
}

function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(capital) ? capital : `${capital}.`
}
