import type { BrowserSession } from '../../../access/browser/browser-sessions.ts'
import { signinOf } from '../../../access/browser/sign-in.ts'
import { ModsteadError } from '../../../errors.ts'
import { escapeHtml } from '../../html-page.ts'
import { clearCookie } from '../cookies.ts'
import { hidden, type Reply, shownTime, signInPage } from './page.ts'
import type { Handler, PagesOptions, Visit } from './visit.ts'

export interface AccountHandlers {
  /** `GET /auth`: who am I, and where am I signed in. */
  show: Handler
  /** `POST /auth/sessions/end`: ends one of them. */
  endSession: Handler
  /** `GET /auth/signout`: asks. */
  askToLeave: Handler
  /** `POST /auth/signout`: signs out, here and at the provider. */
  leave: Handler
}

export function createAccount({ desk, observer }: PagesOptions): AccountHandlers {
  const { browsers, sessions, signins, providers } = desk

  /** What the browser is sent to after signing out has to be allowed by the page with the button. */
  function endOrigins({ via }: BrowserSession): string[] {
    const origin = providers.get(signinOf(via)?.provider ?? '')?.endOrigin()
    return origin === undefined ? [] : [origin]
  }

  function howOf(via: string): string {
    const provider = providers.get(signinOf(via)?.provider ?? '')
    return escapeHtml(provider?.config.label ?? (via === 'password' ? 'password' : via.split(':', 1)[0]!))
  }

  async function accountPage(
    { principal, formToken, root }: Visit,
    session: BrowserSession,
  ): Promise<string> {
    const { id = '', groups = [] } = principal ?? {}
    const endButton = (of: string, session: string, label: string) =>
      `<form method="post" action="${root}/auth/sessions/end">${hidden('token', formToken)}${hidden('of', of)}${hidden('session', session)}<button type="submit" aria-label="End the session: ${label}">End</button></form>`
    const row = (what: string, how: string, created: number, last: number, expires: number, button: string) =>
      `<tr><td>${what}</td><td>${how}</td><td>${shownTime(created)}</td><td>${shownTime(last)}</td><td>${shownTime(expires)}</td><td>${button}</td></tr>`
    const here = (await browsers.list(id)).map(({ id, via, created, seen, expires }) =>
      row(
        id === session.id ? 'this browser' : 'a browser',
        howOf(via),
        created,
        seen,
        expires,
        id === session.id ? '' : endButton('browser', id, 'a browser'),
      ),
    )
    const devices = (await sessions.list({ kind: 'user', id })).map((known) =>
      row(
        'a command line',
        howOf(known.via),
        known.created,
        known.refreshed,
        known.expires,
        endButton('device', known.id, 'a command line'),
      ),
    )
    return signInPage(
      `You are ${id}`,
      `<dl>
<dt>Groups</dt><dd>${groups.length === 0 ? 'none' : escapeHtml(groups.join(', '))}</dd>
<dt>Signed in with</dt><dd>${howOf(session.via)}</dd>
</dl>
<h2>Where you are signed in</h2>
<table>
<thead><tr><th scope="col">Where</th><th scope="col">With</th><th scope="col">Since</th><th scope="col">Last used</th><th scope="col">Ends</th><th scope="col">End it</th></tr></thead>
<tbody>
${[...here, ...devices].join('\n')}
</tbody>
</table>
<p><a href="${root}/auth/device">Sign in a device</a></p>
${leaveForm(root, formToken)}`,
    )
  }

  const leaveForm = (root: string, formToken: string) =>
    `<form method="post" action="${root}/auth/signout">${hidden('token', formToken)}<p><button type="submit">Sign out</button></p></form>`

  /** The sign-in at the provider is kept while a command line rests on it. */
  async function release({ via, account }: BrowserSession): Promise<void> {
    const signin = signinOf(via)
    if (signin === undefined) return
    const others = [
      ...(await sessions.list({ kind: 'user', id: account.id })),
      ...(await browsers.list(account.id)),
    ]
    if (!others.some((other) => other.via === via)) await signins.end(signin.signin)
  }

  /** Where the provider ends its own session; `undefined` where it cannot, or cannot be asked now. */
  async function endUrl({ upstream }: BrowserSession, base: string): Promise<string | undefined> {
    const known = upstream === undefined ? undefined : await signins.idToken(upstream)
    if (known === undefined) return undefined
    const { provider, idToken } = known
    try {
      const url = await provider.endUrl({
        returnTo: `${base}/auth/signin`,
        ...(idToken !== undefined && { idToken }),
      })
      return url?.href
    } catch (error) {
      observer.log.warn(
        { err: error, provider: provider.config.name },
        'somebody could not be signed out there',
      )
      return undefined
    }
  }

  const toSignIn = ({ root }: Visit): Reply => ({
    location: `${root}/auth/signin?${new URLSearchParams({ return: `${root}/auth` }).toString()}`,
  })

  return {
    async show(visit) {
      const { session } = visit
      if (session === undefined) return toSignIn(visit)
      return { html: await accountPage(visit, session), formOrigins: endOrigins(session) }
    },

    async endSession(visit) {
      const { session, form, root } = visit
      if (session === undefined) return toSignIn(visit)
      const [of, id] = [form.get('of'), form.get('session') ?? '']
      const { id: user } = session.account
      // Only one's own: the names of others' sessions are of no use.
      const own =
        of === 'browser'
          ? await browsers.list(user)
          : of === 'device'
            ? await sessions.list({ kind: 'user', id: user })
            : []
      if (!own.some((known) => known.id === id))
        throw new ModsteadError('not_found', 'there is no such session of yours: it may have ended', {
          next: 'look at your sessions again',
        })
      await (of === 'browser' ? browsers : sessions).end(id)
      visit.note({ event: { type: 'authentication', result: 'ok' }, detail: `session ${id} ended` })
      observer.log.info({ user, of }, 'somebody ended a session of their own')
      return { location: `${root}/auth` }
    },

    async askToLeave(visit) {
      const { session, formToken, root } = visit
      if (session === undefined) return toSignIn(visit)
      const { id } = session.account
      return {
        html: signInPage(
          'Sign out',
          `<p>You are signed in as <strong>${escapeHtml(id)}</strong>.</p>\n${leaveForm(root, formToken)}`,
        ),
        formOrigins: endOrigins(session),
      }
    },

    async leave(visit) {
      const { session, base, names, secure, root } = visit
      const cookies = [clearCookie(names.session, secure)]
      if (session === undefined) return { ...toSignIn(visit), cookies }
      const url = await endUrl(session, base)
      await browsers.end(session.id)
      await release(session)
      visit.note({ event: { type: 'authentication', result: 'ok' }, detail: 'signed out' })
      observer.log.info({ user: session.account.id }, 'somebody signed out')
      return { location: url ?? `${root}/auth/signin`, cookies }
    },
  }
}
