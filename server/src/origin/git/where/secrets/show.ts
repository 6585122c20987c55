import type { GitLogin } from '../../../../config/config.ts'
import { ModsteadError } from '../../../../errors.ts'
import { createFlights, waitFor } from '../../../../proxy/flights.ts'
import { basic } from '../../../credentials.ts'
import { failure, type Peer } from '../../../failures.ts'
import { netrcLogin, parseNetrc } from '../../../netrc.ts'
import { askInstallationToken, findInstallation, repositoryOf, type GithubRepository } from './github-app.ts'
import { tokenIn, type TokenSource } from './json.ts'
import { askOauth2 } from './oauth2.ts'
import { readSecret, readSecretFile } from './secret-file.ts'
import { createTokenCache, type TokenCache } from './token-cache.ts'

/** A value of an Authorization header, if there is any. */
export interface Shown {
  header?: string
  /** Tells that the host answered 401 to it. Whether another look may bring a better one. */
  refused(): boolean
}

/** For hosts that are shown nothing. */
export const NOTHING: Shown = { refused: () => false }

/** Says what is shown to the host of `url`, which messages call `peer`. */
export type Show = (url: URL, signal: AbortSignal, peer: Peer) => Promise<Shown>

/**
 * How an entry with this login is shown. Throws `upstream_refused` for secrets that cannot be had or used, and what
 * asking for tokens throws.
 */
export function createShow(login: GitLogin | undefined, source: TokenSource): Show {
  const { entry } = source
  switch (login?.kind) {
    case undefined:
    case 'ssh':
      return async () => NOTHING
    case 'token':
      return async (url, _signal, peer) => {
        const token = await readSecret(login.token, peer, entry)
        if (tokenIn(token) === undefined) throw unfitToken(peer, entry)
        return shown(headerFor(token, login.scheme, url))
      }
    case 'basic':
      return async (_url, _signal, peer) => {
        const { username } = login
        return shown(basic({ username, password: await readSecret(login.password, peer, entry) }))
      }
    case 'netrc':
      return async (url, _signal, peer) => {
        const found = netrcLogin(parseNetrc(await readSecretFile(login.file, peer, entry)), url)
        return found === undefined ? NOTHING : shown(basic(found))
      }
    case 'oauth2': {
      const tokens = createTokenCache(() => askOauth2(login, source))
      return async (url, signal) => {
        const value = await tokens.get('', signal)
        return renewable(headerFor(value, login.scheme, url), tokens, '', value)
      }
    }
    case 'githubApp': {
      const tokens = createTokenCache((key) => {
        const [api = '', installation = ''] = key.split(' ')
        return askInstallationToken(login, { api, installation }, source)
      })
      const installations = rememberInstallations((repository) => findInstallation(login, repository, source))
      return async (url, signal) => {
        const repository = repositoryOf(login, url)
        const installation = repository && (await installations.find(repository, signal))
        if (repository === undefined || installation === undefined) return NOTHING
        const showAs = async (id: string): Promise<Shown> => {
          const key = `${repository.api} ${id}`
          const value = await tokens.get(key, signal)
          return renewable(headerFor(value, 'basic', url), tokens, key, value)
        }
        try {
          return await showAs(installation)
        } catch (error) {
          if (!(error instanceof ModsteadError && error.code === 'upstream_refused')) throw error
          // Who removes the app and installs it again gives it another number.
          installations.forget(repository)
          const now = await installations.find(repository, signal)
          if (now === installation) throw error
          return now === undefined ? NOTHING : showAs(now)
        }
      }
    }
  }
}

/** Which installation reads which repository hardly ever changes; that there is none may change any moment. */
function rememberInstallations(find: (repository: GithubRepository) => Promise<string | undefined>): {
  find(repository: GithubRepository, signal: AbortSignal): Promise<string | undefined>
  forget(repository: GithubRepository): void
} {
  const known = new Map<string, string>()
  const flights = createFlights<string | undefined>()
  const keyOf = ({ api, path }: GithubRepository): string => `${api} ${path}`
  return {
    async find(repository, signal) {
      const key = keyOf(repository)
      const remembered = known.get(key)
      if (remembered !== undefined) return remembered
      const installation = await waitFor(
        flights.join(key, () => find(repository)),
        signal,
      )
      if (known.size >= MOST_INSTALLATIONS) known.clear()
      if (installation !== undefined) known.set(key, installation)
      return installation
    },
    forget: (repository) => void known.delete(keyOf(repository)),
  }
}

const MOST_INSTALLATIONS = 10_000

/** It would break the header it stands in, or add one. */
function unfitToken(peer: Peer, entry: string): ModsteadError {
  return failure(
    'upstream_refused',
    peer,
    `was not asked, for the token of ${entry} has spaces or line breaks in it`,
    {
      next: 'ask the operators of this modstead to check the token of that entry',
    },
  )
}

function shown(header: string): Shown {
  return { header, refused: () => false }
}

function renewable(header: string, tokens: TokenCache, key: string, value: string): Shown {
  return { header, refused: () => tokens.refused(key, value) }
}

/**
 * A token as hosts take it. As the password of Basic it is accepted by all of them, for pages and for git; only the user
 * name differs: GitHub and Bitbucket document one each, GitLab has `oauth2` for tokens of every kind, and Gitea does not
 * look at it.
 */
function headerFor(token: string, scheme: 'basic' | 'bearer', url: URL): string {
  if (scheme === 'bearer') return `Bearer ${token}`
  return basic({ username: USERNAMES.get(url.hostname) ?? 'oauth2', password: token })
}

const USERNAMES = new Map([
  ['github.com', 'x-access-token'],
  ['bitbucket.org', 'x-token-auth'],
])
