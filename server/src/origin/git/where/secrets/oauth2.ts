import type { GitLogin } from '../../../../config/config.ts'
import { failure } from '../../../failures.ts'
import { basic } from '../../../credentials.ts'
import { askJson, errorWord, tokenIn, type TokenSource } from './json.ts'
import { readSecret } from './secret-file.ts'
import type { Token } from './token-cache.ts'

/** How long a token counts that does not say so. Milliseconds. */
const UNKNOWN_LIFE = 5 * 60_000

/**
 * A token by the client credentials grant (RFC 6749 section 4.4). Throws `upstream_refused` where the server gives
 * none, `upstream_failed` for its outages, and what `askJson` throws.
 */
export async function askOauth2(
  login: Extract<GitLogin, { kind: 'oauth2' }>,
  source: TokenSource,
): Promise<Token> {
  const url = new URL(login.tokenUrl)
  const own = source.web.peerOf(url)
  const { entry } = source
  const secret = await readSecret(login.clientSecret, own, entry)
  // Both parts are form-encoded before they are joined (section 2.3.1).
  const client = basic({ username: formEncoded(login.clientId), password: formEncoded(secret) })
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (login.scope !== undefined) form.set('scope', login.scope)
  const asked = Date.now()
  const { status, members } = await askJson(source, {
    url,
    method: 'POST',
    headers: { authorization: client, 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
  })
  if (status >= 500)
    throw failure('upstream_failed', own, `answered ${status} when asked for a token (${entry})`)
  if (status !== 200)
    throw failure('upstream_refused', own, `gives no token (${status}${errorWord(members)}) to ${entry}`, {
      next: 'ask the operators of this modstead to check tokenUrl, clientId and clientSecret',
    })
  const value = tokenIn(members['access_token'])
  if (value === undefined) throw failure('upstream_invalid', own, 'sent an answer without a token in it')
  const { expires_in: life } = members
  const milliseconds = typeof life === 'number' && life > 0 ? life * 1000 : UNKNOWN_LIFE
  return { value, expires: asked + milliseconds }
}

function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}
