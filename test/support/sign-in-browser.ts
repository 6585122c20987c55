/** As much of a browser as it takes to sign in: cookies, forms, and redirects within one host. */
import assert from 'node:assert/strict'
import { ask, type HttpAnswer } from './http.ts'

export interface SignInBrowser {
  /** Signs in with a password, and answers for the device that waits under a code. Fails where a page says otherwise. */
  answerDevice(userCode: string, answer: 'approve' | 'deny'): Promise<void>
}

export interface SignInBrowserOptions {
  /** Where the server listens. */
  url: string
  /** What it calls itself. */
  origin: string
  ca: string
  user: string
  password: string
}

export function createSignInBrowser(options: SignInBrowserOptions): SignInBrowser {
  const { url, origin, ca, user, password } = options
  const cookies = new Map<string, string>()

  async function visit(path: string, form?: Record<string, string>): Promise<HttpAnswer> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await ask(url, path, {
      ca,
      method: form === undefined ? 'GET' : 'POST',
      headers: {
        host: new URL(origin).host,
        accept: 'text/html',
        ...(cookie !== '' && { cookie }),
        ...(form !== undefined && {
          origin,
          'sec-fetch-site': 'same-origin',
          'content-type': 'application/x-www-form-urlencoded',
        }),
      },
      ...(form !== undefined && { body: new URLSearchParams(form).toString() }),
    })
    for (const set of answer.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
      cookies.set(name, value)
    }
    return answer
  }

  const tokenIn = (page: HttpAnswer): string => {
    const [, token = ''] = /name="token" value="([^"]+)"/.exec(page.body.toString()) ?? []
    assert.notEqual(token, '', page.body.toString())
    return token
  }

  return {
    async answerDevice(userCode, answer) {
      const page = `/auth/device?${new URLSearchParams({ user_code: userCode }).toString()}`
      const signIn = await visit(`/auth/signin?${new URLSearchParams({ return: page }).toString()}`)
      const signedIn = await visit('/auth/signin', { token: tokenIn(signIn), return: page, user, password })
      assert.equal(signedIn.headers.location, page, signedIn.body.toString())
      const asked = await visit(page)
      assert.equal(asked.status, 200)
      const told = await visit('/auth/device/confirm', { token: tokenIn(asked), user_code: userCode, answer })
      assert.equal(told.status, 200, told.body.toString())
    },
  }
}
