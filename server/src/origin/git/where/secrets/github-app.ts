import { createPrivateKey, sign } from 'node:crypto'
import type { GitLogin } from '../../../../config/config.ts'
import { failure, type Peer } from '../../../failures.ts'
import { askJson, tokenIn, type JsonAnswer, type TokenSource } from './json.ts'
import { readSecretFile } from './secret-file.ts'
import type { Token } from './token-cache.ts'

type GithubApp = Extract<GitLogin, { kind: 'githubApp' }>

/** Seconds that the clocks of both sides may differ, and that a token of the app itself counts (GitHub: ten minutes). */
const CLOCK_SKEW = 60
const APP_TOKEN_LIFE = 540
/** Installation tokens live an hour; this counts where GitHub does not say so. Milliseconds. */
const UNKNOWN_LIFE = 5 * 60_000

/** A repository as the API of its GitHub knows it. */
export interface GithubRepository {
  api: string
  /** `owner/name` */
  path: string
}

/** The repository that the path of `url` begins with; `undefined` where it is too short. */
export function repositoryOf(login: GithubApp, url: URL): GithubRepository | undefined {
  const [owner = '', name = ''] = url.pathname.split('/').slice(1)
  if (owner === '' || name === '') return undefined
  const usual = url.hostname === 'github.com' ? 'https://api.github.com' : `https://${url.host}/api/v3`
  return { api: login.apiUrl ?? usual, path: `${owner}/${name.replace(/\.git$/, '')}` }
}

/**
 * The installation of the app that can read the repository, or `undefined` where there is none. Throws
 * `upstream_refused` where GitHub does not accept the app, `upstream_failed` and what `askJson` throws.
 */
export async function findInstallation(
  login: GithubApp,
  { api, path }: GithubRepository,
  source: TokenSource,
): Promise<string | undefined> {
  if (login.installationId !== undefined) return login.installationId
  const { status, members, peer } = await askApp(login, `${api}/repos/${path}/installation`, source, 'GET')
  if (status === 404) return undefined
  const { id } = members
  if (status === 200 && typeof id === 'number' && Number.isSafeInteger(id)) return String(id)
  throw refusal(status, peer, source.entry)
}

/** A token of an installation, which can read and nothing else. Throws like `findInstallation`. */
export async function askInstallationToken(
  login: GithubApp,
  where: { api: string; installation: string },
  source: TokenSource,
): Promise<Token> {
  const url = `${where.api}/app/installations/${where.installation}/access_tokens`
  const { status, members, peer } = await askApp(login, url, source, 'POST')
  if (status !== 201) throw refusal(status, peer, source.entry)
  const value = tokenIn(members['token'])
  if (value === undefined) throw failure('upstream_invalid', peer, 'sent an answer without a token in it')
  const { expires_at: end } = members
  const expires = typeof end === 'string' ? Date.parse(end) : Number.NaN
  return { value, expires: Number.isNaN(expires) ? Date.now() + UNKNOWN_LIFE : expires }
}

async function askApp(
  login: GithubApp,
  text: string,
  source: TokenSource,
  method: 'GET' | 'POST',
): Promise<JsonAnswer & { peer: Peer }> {
  const url = new URL(text)
  const peer = source.web.peerOf(url)
  const pem = await readSecretFile(login.privateKey, peer, source.entry)
  const headers = {
    accept: 'application/vnd.github+json',
    authorization: `Bearer ${appToken(login.appId, pem, { peer, entry: source.entry })}`,
    ...(method === 'POST' && { 'content-type': 'application/json' }),
  }
  const body = method === 'POST' ? JSON.stringify({ permissions: { contents: 'read' } }) : undefined
  const answer = await askJson(source, { url, method, headers, ...(body !== undefined && { body }) })
  return { ...answer, peer }
}

/** A JSON Web Token by which the app proves itself (RS256, as GitHub wants it). */
function appToken(appId: string, pem: string, context: { peer: Peer; entry: string }): string {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iat: now - CLOCK_SKEW, exp: now + APP_TOKEN_LIFE, iss: appId }
  const signed = [{ alg: 'RS256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType !== 'rsa') throw new TypeError('the key is not one of RSA')
    return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`
  } catch (cause) {
    const { peer, entry } = context
    const sentence = `was not asked, for the private key of ${entry} cannot be used`
    throw failure('upstream_refused', peer, sentence, {
      cause,
      next: 'ask the operators of this modstead to check the privateKey of the app',
    })
  }
}

function refusal(status: number, peer: Peer, entry: string): Error {
  if (status >= 500)
    return failure('upstream_failed', peer, `answered ${status} when asked for a token (${entry})`)
  return failure('upstream_refused', peer, `gives no token (${status}) to ${entry}`, {
    next: 'ask the operators of this modstead to check appId, privateKey and installationId',
  })
}
