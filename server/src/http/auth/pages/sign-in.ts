import type { BrowserSession } from '../../../access/browser/browser-sessions.ts'
import { LONGEST } from '../../../access/browser/browser-sessions.ts'
import { PENDING } from '../../../access/browser/pending-signin.ts'
import { localPath } from '../../../access/browser/return-path.ts'
import { viaOf } from '../../../access/browser/sign-in.ts'
import { ANONYMOUS } from '../../../access/principal.ts'
import type { Account } from '../../../access/oidc/account.ts'
import { accountOf } from '../../../access/oidc/account.ts'
import type { Provider } from '../../../access/oidc/provider.ts'
import { ModsteadError } from '../../../errors.ts'
import { escapeHtml } from '../../html-page.ts'
import { senderOf } from '../../sender.ts'
import { clearCookie, cookieIn, setCookie } from '../cookies.ts'
import { hidden, type Reply, signInPage } from './page.ts'
import type { Handler, PagesOptions, Visit } from './visit.ts'

export interface SignInHandlers {
  /** `GET /auth/signin` */
  show: Handler
  /** `POST /auth/signin`: a user name and a password. */
  withPassword: Handler
  /** `GET /auth/signin/NAME`: sends the browser to a provider. */
  atProvider: (name: string) => Handler
  /** `GET /auth/callback/NAME`: takes it back. */
  callback: (name: string) => Handler
}

/** Characters. */
const LONGEST_FIELD = { user: 256, password: 1024 }

export function createSignIn({ desk, observer }: PagesOptions): SignInHandlers {
  const { providers, password, pending, signins, browsers } = desk
  const thenOf = (given: string | null | undefined, { root }: Visit): string =>
    localPath(given) ?? `${root}/auth`

  function providerOf(name: string): Provider {
    const provider = providers.get(name)
    if (provider === undefined)
      throw new ModsteadError('no_endpoint', 'there is no sign-in of this name', {
        next: 'choose one of those that the page of the sign-in offers',
      })
    return provider
  }

  /** A new session with a new cookie; the one that the browser had is ended, so that none outlives a sign-in. */
  async function enter(
    { session, names, secure, note }: Visit,
    signed: { account: Account; via: string; upstream?: string },
    then: string,
  ): Promise<Reply> {
    if (session !== undefined) await leave(session)
    const { account, via } = signed
    note({
      event: { type: 'authentication', result: 'ok', principal: { kind: 'user', id: account.id } },
      detail: `signed in: ${via.split(':', 2).join(':')}`,
    })
    const { secret } = await browsers.begin(signed)
    observer.log.info(
      { user: signed.account.id, via: signed.via.split(':', 2).join(':') },
      'somebody signed in',
    )
    const cookies = [
      setCookie(names.session, secret, { secure, seconds: LONGEST / 1000 }),
      clearCookie(names.pending, secure),
      clearCookie(names.form, secure),
    ]
    return { location: then, cookies }
  }

  async function leave({ id }: BrowserSession): Promise<void> {
    await browsers.end(id)
  }

  function page({ session, formToken, root }: Visit, then: string, problem = ''): string {
    const query = new URLSearchParams({ return: then }).toString()
    const buttons = [...providers.values()].map(
      ({ config: { name, label } }) =>
        `<p><a class="button" href="${root}/auth/signin/${name}?${escapeHtml(query)}">Sign in with ${escapeHtml(label)}</a></p>`,
    )
    const already =
      session === undefined
        ? ''
        : `<p>You are signed in as <strong>${escapeHtml(session.account.id)}</strong>. <a href="${escapeHtml(then)}">Go on</a></p>\n`
    const form =
      password === undefined
        ? ''
        : `<form method="post" action="${root}/auth/signin">
${hidden('token', formToken)}${hidden('return', then)}
<p><label for="user">User name</label><input id="user" name="user" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="${LONGEST_FIELD.user}" required></p>
<p><label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required></p>
<p><button type="submit">Sign in</button></p>
</form>`
    const told = problem === '' ? '' : `<p class="warning" role="alert">${escapeHtml(problem)}</p>\n`
    return signInPage('Sign in', `${told}${already}${buttons.join('\n')}\n${form}`)
  }

  function shown(visit: Visit, then: string, refused?: { status: number; problem: string }): Reply {
    return {
      ...(refused && { status: refused.status }),
      html: page(visit, then, refused?.problem),
      ...(visit.formCookie !== undefined && { cookies: [visit.formCookie] }),
    }
  }

  return {
    show: async (visit) => shown(visit, thenOf(visit.query.get('return'), visit)),

    async withPassword(visit) {
      const { form, req } = visit
      if (password === undefined)
        throw new ModsteadError('no_endpoint', 'nobody has a password on this server')
      const then = thenOf(form.get('return'), visit)
      const user = form.get('user')?.trim() ?? ''
      const secret = form.get('password') ?? ''
      const wrong = (problem: string) => shown(visit, then, { status: 403, problem })
      if (user === '' || secret === '') return wrong('Type a user name and a password.')
      if (user.length > LONGEST_FIELD.user || secret.length > LONGEST_FIELD.password || /\p{Cc}/u.test(user))
        return wrong('The user name or the password is too long, or has control characters.')
      const { address } = senderOf(req)
      const judgement = await password({ user, secret }, { address, now: Date.now() })
      if (judgement === 'not mine' || 'refusal' in judgement) {
        const proof = judgement === 'not mine' ? undefined : judgement.proof
        const result = proof?.result ?? 'failed'
        visit.note({
          // Only a name that is known here: people type passwords into the wrong field.
          event: { type: 'authentication', result, principal: proof?.principal ?? ANONYMOUS },
          detail: 'sign-in with a password',
        })
        observer.log.info({ address }, 'a sign-in with a password was refused')
        return wrong(
          'The user name and password are not right, or were wrong too often. After several different wrong passwords nobody gets in for some minutes.',
        )
      }
      const { id, groups, claims } = judgement.principal
      // What the configuration and the directory say of the name counts anyway, and as they say it later.
      const own = (await desk.people.find(id))?.groups ?? []
      const account = { id, groups: groups.filter((group) => !own.includes(group)), claims }
      return enter(visit, { account, via: 'password' }, then)
    },

    atProvider: (name) => async (visit) => {
      const { query, names, secure } = visit
      const provider = providerOf(name)
      const challenge = provider.newChallenge()
      const url = await provider.authorizationUrl(challenge)
      const cookie = await pending.begin({
        ...challenge,
        provider: name,
        then: thenOf(query.get('return'), visit),
      })
      return {
        location: url.href,
        cookies: [setCookie(names.pending, cookie, { secure, seconds: PENDING / 1000 })],
      }
    },

    callback: (name) => async (visit) => {
      const { query, req, names, base } = visit
      const provider = providerOf(name)
      const { label } = provider.config
      const begun = await pending.take(cookieIn(req, names.pending) ?? '', name, query.get('state') ?? '')
      if (begun === undefined)
        throw new ModsteadError(
          'not_permitted',
          'this sign-in was not begun in this browser, or not within ten minutes',
          {
            next: 'begin again; cookies of this server must be allowed',
          },
        )
      const returned = new URL(`${base}/auth/callback/${name}`)
      returned.search = query.toString()
      const told = await provider.redeem(returned, begun)
      const account = accountOf(told.claims ?? {}, provider.config)
      if (typeof account === 'string') {
        observer.log.info(
          { provider: name, subject: told.subject, problem: account },
          'a sign-in was refused',
        )
        throw new ModsteadError(
          'not_permitted',
          `${label} has let you in, but this server does not: ${account}`,
          {
            next: `ask who runs this server: it stands in access.oidc.${name}`,
          },
        )
      }
      const { id, upstream } = await signins.begin(provider, told, account)
      return enter(visit, { account, via: viaOf(name, id), upstream }, begun.then)
    },
  }
}
