import { readFile } from 'node:fs/promises'
import type { OriginCredentials } from '../config/config.ts'
import { ModsteadError } from '../errors.ts'
import { failure, type Peer } from './failures.ts'
import { netrcLogin, parseNetrc } from './netrc.ts'

export interface Login {
  username: string
  password: string
}

/** What an origin is shown of who we are. */
export interface Credentials {
  /**
   * The Authorization header for `url`: only for the host, port and scheme the credentials are configured for, or
   * https in place of its http. Throws `upstream_refused` where a netrc file cannot be read.
   */
  authorizationFor(url: URL): Promise<string | undefined>
}

/**
 * Credentials for the base URL `base` of an origin called `name`. Those that are configured win over those in the
 * URL. Throws `config_invalid` for a token or login that cannot stand in a header.
 */
export function createCredentials(options: {
  name: string
  peer: Peer
  base: URL
  configured?: OriginCredentials
}): Credentials {
  const { name, peer, base, configured } = options
  const read = authorizationReader(name, base, peer, configured)
  return {
    async authorizationFor(url) {
      if (url.hostname !== base.hostname) return undefined
      const isUpgrade =
        base.protocol === 'http:' && base.port === '' && url.protocol === 'https:' && url.port === ''
      return url.origin === base.origin || isUpgrade ? read(url) : undefined
    },
  }
}

/** The decoded user and password of a URL; `undefined` where it has none. */
export function userinfo(url: URL): Login | undefined {
  if (url.username === '' && url.password === '') return undefined
  return { username: decoded(url.username), password: decoded(url.password) }
}

/** The value of an Authorization header (RFC 7617). */
export function basic(login: Login): string {
  return `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`
}

function authorizationReader(
  name: string,
  base: URL,
  peer: Peer,
  configured: OriginCredentials | undefined,
): (url: URL) => Promise<string | undefined> {
  const inUrl = userinfo(base)
  const fixed = inUrl && basic(inUrl)
  switch (configured?.kind) {
    case undefined:
    case 'clientCertificate':
      return async () => fixed
    case 'basic': {
      const header = basic(configured)
      return async () => header
    }
    case 'bearer': {
      const header = `Bearer ${configured.token}`
      if (/^[\x21-\x7e]+$/.test(configured.token)) return async () => header
      throw new ModsteadError('config_invalid', `the token of origin ${name} is empty or has spaces in it`)
    }
    case 'netrc':
      return async (url) => {
        const login = netrcLogin(parseNetrc(await readNetrc(configured.file, peer)), url)
        return login && basic(login)
      }
  }
}

/** Read for each request, so that a rotated password counts at once: it is small, and requests upstream are few. */
async function readNetrc(file: string, peer: Peer): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw failure('upstream_refused', peer, 'was not asked, for its netrc file cannot be read', {
      cause,
      next: `make ${file} readable for modstead, or correct the credentials of the origin`,
    })
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) return text
    throw error
  }
}
