import type { BrowserSession } from '../../../access/browser/browser-sessions.ts'
import type { SignIn } from '../../../access/issued/sessions.ts'
import { senderOf } from '../../sender.ts'
import { escapeHtml } from '../../html-page.ts'
import { hidden, type Reply, shownTime, signInPage } from './page.ts'
import type { Handler, PagesOptions, Visit } from './visit.ts'

export interface DeviceHandlers {
  /** `GET /auth/device`: asks for the code, or shows who waits under it. */
  show: Handler
  /** `POST /auth/device/confirm`: lets them in or not. */
  confirm: Handler
}

/** The page where somebody signs in for a device (RFC 8628, section 3.3), such as the command line. */
export function createDevicePage({ desk, observer }: PagesOptions): DeviceHandlers {
  const { devices } = desk

  function ask(root: string, problem = ''): string {
    const told = problem === '' ? '' : `<p class="warning" role="alert">${escapeHtml(problem)}</p>\n`
    return signInPage(
      'Sign in a device',
      `${told}<form method="get" action="${root}/auth/device">
<p><label for="user_code">The code that the device shows</label><input id="user_code" name="user_code" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="20" required></p>
<p><button type="submit">Go on</button></p>
</form>`,
    )
  }

  async function waiting(code: string, session: BrowserSession, visit: Visit): Promise<Reply> {
    const { req, formToken, root, principal } = visit
    const device = await devices.find(code, byOf(session))
    if (device === undefined) return { status: 404, html: ask(root, NOBODY) }
    const { userCode, address, created } = device
    const { id = '', groups = [] } = principal ?? {}
    const body = `<p>A program wants to act as <strong>${escapeHtml(id)}</strong> on this server: to read, and whatever else you may do here.</p>
<p>It shows this code:</p>
<p class="code"><strong>${escapeHtml(userCode)}</strong></p>
<dl>
<dt>Program</dt><dd>modstead on a command line</dd>
<dt>It asked from</dt><dd>${escapeHtml(address)}</dd>
<dt>You are at</dt><dd>${escapeHtml(senderOf(req).address)}</dd>
<dt>At</dt><dd>${shownTime(created)}</dd>
<dt>Your groups</dt><dd>${groups.length === 0 ? 'none' : escapeHtml(groups.slice(0, 20).join(', '))}${groups.length > 20 ? ' …' : ''}</dd>
</dl>
<p class="warning">Approve only if you began this yourself, just now, and your own terminal shows the same code. If somebody sent you the code or a link to this page, deny: whoever it is would be signed in as you.</p>
<form method="post" action="${root}/auth/device/confirm">
${hidden('token', formToken)}${hidden('user_code', userCode)}
<p><button type="submit" name="answer" value="deny">Deny</button> <button type="submit" name="answer" value="approve">Approve</button></p>
</form>`
    return { html: signInPage('Sign in a device?', body) }
  }

  return {
    async show(visit) {
      const { query, session, root } = visit
      const code = query.get('user_code') ?? ''
      if (session === undefined) return toSignIn(root, code)
      if (code === '') return { html: ask(root) }
      return waiting(code, session, visit)
    },

    async confirm({ form, session, root, note }) {
      const code = form.get('user_code') ?? ''
      if (session === undefined) return toSignIn(root, code)
      const { id } = session.account
      if (form.get('answer') !== 'approve') {
        const device = await devices.deny(code, byOf(session))
        note({
          event: { type: 'authentication', result: 'ok' },
          detail: device === undefined ? 'a device that waits no more was denied' : `device ${device} denied`,
        })
        observer.log.info({ user: id }, 'a device was denied')
        return {
          html: signInPage(
            'Denied',
            '<p>The device was not let in. If you did not begin this, tell who runs this server: somebody may have tried to get in as you.</p>',
          ),
        }
      }
      const device = await devices.approve(code, signInOf(session), byOf(session))
      if (device === undefined) return { status: 404, html: ask(root, NOBODY) }
      note({ event: { type: 'authentication', result: 'ok' }, detail: `device ${device} approved` })
      observer.log.info({ user: id }, 'a device was approved')
      return {
        html: signInPage(
          'Approved',
          `<p>The device is signed in as <strong>${escapeHtml(id)}</strong> within a few seconds. You can close this page.</p>
<p><a href="${root}/auth">Your sessions</a></p>`,
        ),
      }
    },
  }
}

const NOBODY =
  'No device waits under this code: it may be mistyped, answered already, or older than ten minutes.'

function byOf({ account }: BrowserSession): string {
  return `user:${account.id}`
}

/** The device gets the identity of the session as its provider gave it: the configuration adds its groups itself. */
function signInOf({ account, via, upstream }: BrowserSession): SignIn {
  const { id, groups, claims } = account
  return { principal: { kind: 'user', id, groups, claims }, via, ...(upstream !== undefined && { upstream }) }
}

function toSignIn(root: string, code: string): Reply {
  const page = `${root}/auth/device${code === '' ? '' : `?${new URLSearchParams({ user_code: code.slice(0, 40) }).toString()}`}`
  return { location: `${root}/auth/signin?${new URLSearchParams({ return: page }).toString()}` }
}
