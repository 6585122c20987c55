import { stat } from 'node:fs/promises'
import type { GitCredentials, GitLogin, GitOriginConfig } from '../../config/config.ts'
import { basic } from '../credentials.ts'
import type { Peer } from '../failures.ts'
import { netrcLogin, parseNetrc } from '../netrc.ts'
import { createTrust, type Trust } from '../trust.ts'
import { createHostSet, createPlace } from './places.ts'
import { apiOf, askInstallationToken, findInstallation } from './secrets/github-app.ts'
import type { TokenSource } from './secrets/json.ts'
import { askOauth2 } from './secrets/oauth2.ts'
import { readSecret, readSecretFile } from './secrets/secret-file.ts'
import { createTokenCache, type TokenCache } from './secrets/token-cache.ts'
import type { Web } from './web.ts'

/** What is shown to the host of one URL, and whom we trust there. */
export interface Chosen {
  /** `credentials[1] (git.corp.example)`, or `none`. */
  readonly label: string
  readonly entry: GitCredentials | undefined
  /** Reads certificates again where their files have changed. Throws `config_invalid` where they cannot be used. */
  trust(): Promise<Trust>
  /** What to say about us. Throws `upstream_refused` for a secret that cannot be had, and what asking for one throws. */
  show(url: URL, signal: AbortSignal): Promise<Shown>
}

/** A value of an Authorization header, if there is any. */
export interface Shown {
  header?: string
  /** Tells that the host answered 401 to it. Whether another look may bring a better one. */
  refused(): boolean
}

export interface Logins {
  /**
   * The entry for this URL: the longest `for` that fits, else the first without `for` if the URL is on one of `hosts`.
   * ssh keys are for ssh, everything else for https; over plain http nothing is shown unless the configuration wrote
   * this very URL (`mapped`).
   */
  choose(url: URL, options: { mapped: boolean }): Chosen
  /** For hosts that are shown nothing. */
  readonly none: Chosen
  /** Whether the configuration names the host of this URL: then it may have any address. */
  isConfigured(url: URL): boolean
}

const NOTHING: Shown = { refused: () => false }

export function createLogins(config: GitOriginConfig, web: Web): Logins {
  const isHost = createHostSet(config.hosts)
  const isNamed = createHostSet(config.credentials.flatMap((entry) => entry.for?.split('/', 1) ?? []))
  const plainTrust = createTrust({ name: config.name })
  const none: Chosen = {
    label: 'none',
    entry: undefined,
    trust: async () => plainTrust,
    show: async () => NOTHING,
  }
  const entries = config.credentials.map((entry, index) => {
    const trust = trustReader(config.name, entry, plainTrust)
    const label = `credentials[${index}]`
    const source: TokenSource = { web, trust, total: config.timeouts.total, entry: label }
    const place = entry.for === undefined ? undefined : createPlace(entry.for)
    return { entry, label, trust, place, show: createShow(entry.login, source) }
  })

  /** Whether an entry with this login can be of use for a URL. */
  function isFor(login: GitLogin | undefined, url: URL, mapped: boolean): boolean {
    if (url.protocol === 'ssh:') return login?.kind === 'ssh'
    return login?.kind !== 'ssh' && (url.protocol === 'https:' || mapped)
  }

  return {
    none,
    isConfigured: (url) => isHost(url) || isNamed(url),
    choose(url, { mapped }) {
      let best: { score: number; found: (typeof entries)[number] } | undefined
      for (const found of entries) {
        if (!isFor(found.entry.login, url, mapped)) continue
        // A host of `hosts` is named less closely than by any `for`.
        const score = found.place === undefined ? (isHost(url) ? 0.5 : 0) : found.place(url)
        if (score > (best?.score ?? 0)) best = { score, found }
      }
      if (best === undefined) return none
      const { entry, label, trust, show } = best.found
      return {
        label: `${label} (${entry.for ?? url.host})`,
        entry,
        trust,
        show: (target, signal) => show(target, signal, web.peerOf(target)),
      }
    },
  }
}

type Show = (url: URL, signal: AbortSignal, peer: Peer) => Promise<Shown>

function createShow(login: GitLogin | undefined, source: TokenSource): Show {
  const { entry } = source
  switch (login?.kind) {
    case undefined:
    case 'ssh':
      return async () => NOTHING
    case 'token':
      return async (url, _signal, peer) =>
        shown(headerFor(await readSecret(login.token, peer, entry), login.scheme, url))
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
      const find = rememberInstallations((url) => findInstallation(login, url, source))
      return async (url, signal) => {
        const installation = await find(url)
        if (installation === undefined) return NOTHING
        const key = `${apiOf(login, url)} ${installation}`
        const value = await tokens.get(key, signal)
        return renewable(headerFor(value, 'basic', url), tokens, key, value)
      }
    }
  }
}

/** Which installation reads which repository hardly ever changes; that there is none may change any moment. */
function rememberInstallations(find: (url: URL) => Promise<string | undefined>) {
  const known = new Map<string, string>()
  return async (url: URL): Promise<string | undefined> => {
    const key = `${url.host}${url.pathname}`
    const remembered = known.get(key)
    if (remembered !== undefined) return remembered
    const installation = await find(url)
    if (known.size >= MOST_INSTALLATIONS) known.clear()
    if (installation !== undefined) known.set(key, installation)
    return installation
  }
}

const MOST_INSTALLATIONS = 10_000

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

/** The certificates of an entry as they are now: files may be replaced while we run. */
function trustReader(name: string, entry: GitCredentials, plain: Trust): () => Promise<Trust> {
  const { ca, certificate } = entry
  const files = [ca, certificate?.cert, certificate?.key].filter((file) => file !== undefined)
  if (files.length === 0) return async () => plain
  let last: { stamp: string; trust: Trust } | undefined
  return async () => {
    const stamp = (await Promise.all(files.map(stampOf))).join(' ')
    if (last?.stamp !== stamp) {
      const trust = createTrust({
        name,
        ...(ca !== undefined && { ca }),
        ...(certificate && { certificate }),
      })
      last = { stamp, trust }
    }
    return last.trust
  }
}

/** Changes with the contents of the file, unless somebody takes pains. A missing file is found out by its reader. */
async function stampOf(file: string): Promise<string> {
  const found = await stat(file).catch(() => undefined)
  return found === undefined ? 'missing' : `${found.ino}:${found.size}:${found.mtimeMs}`
}
