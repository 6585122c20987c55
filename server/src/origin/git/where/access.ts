import { isIP } from 'node:net'
import type { GitOriginConfig } from '../../../config/config.ts'
import { refuseLiteral } from '../../connect.ts'
import { reachableAddresses } from '../../dial.ts'
import { failure } from '../../failures.ts'
import type { Outside } from '../../outside.ts'
import { hostOf } from '../../proxy-environment.ts'
import { isPublicAddress } from '../../public-address.ts'
import type { FoundRepository } from './found.ts'
import type { Logins } from './logins.ts'
import { portOf } from './places.ts'
import type { Shown } from './secrets/show.ts'
import type { Web } from './web.ts'

/** What git needs to reach one repository, and nothing that it could use elsewhere. */
export interface RemoteAccess {
  /** Value of an Authorization header for http remotes. */
  authorization?: string
  /** PEM file with authorities trusted besides the system's. */
  ca?: string
  /** PEM files. */
  certificate?: { cert: string; key: string }
  /**
   * The addresses that were checked, as git's `http.curloptResolve` wants them: `host:port:address[,address]`. Absent
   * where any address is fine, and where an HTTP proxy does the look-up.
   */
  resolve?: string
  /** URL of the HTTP proxy through which the remote is reached; it may hold a login. */
  proxy?: string
  /** Files for an ssh remote: our key, and the host keys that are accepted, which are the only ones. */
  ssh?: { key: string; knownHosts: string }
  /** The entry of the configuration that was used: `credentials[1] (git.corp.example)`, or `none`. */
  entry: string
}

/** Decides with what a repository may be reached. */
export interface Access {
  /**
   * Throws `upstream_invalid` for a host that is not configured and has no public address, or is to be reached by ssh or
   * plain http; `upstream_refused` where the configured secret cannot be had, and what looking up its name and asking
   * for a token throw.
   */
  accessTo(repository: FoundRepository, options: { signal: AbortSignal }): Promise<RemoteAccess>
  /**
   * Tells that the remote refused this access (401). True where `accessTo` may give a better one now, because a cached
   * token was dropped.
   */
  refused(access: RemoteAccess): boolean
}

/** Addresses that git is given at most. */
const MOST_ADDRESSES = 8

export function createAccess(options: {
  config: Pick<GitOriginConfig, 'timeouts'>
  outside: Outside
  logins: Logins
  web: Web
}): Access {
  const { config, outside, logins, web } = options
  const { proxies, lookup } = outside
  const given = new WeakMap<RemoteAccess, Shown>()

  function sshAccess(repository: FoundRepository): RemoteAccess {
    const { url, configured, trusted } = repository
    const own = web.peerOf(url)
    const { label, entry } = logins.choose(url, { mapped: configured })
    if (!configured && !(trusted && logins.isConfigured(url)))
      throw failure('upstream_invalid', own, 'is to be asked by ssh, but is not configured', {
        next: 'name that host in the credentials of the origin, with sshKey and knownHosts',
      })
    if (entry?.login?.kind === 'ssh') {
      const { key, knownHosts } = entry.login
      return { ssh: { key, knownHosts }, entry: label }
    }
    throw failure('upstream_refused', own, 'is to be asked by ssh, and no credentials hold a key for it', {
      next: 'add sshKey and knownHosts for that host to the credentials of the origin',
    })
  }

  /** The addresses that git may connect to, each checked: it must not look the name up again. */
  async function resolved(url: URL, signal: AbortSignal): Promise<string | undefined> {
    const host = hostOf(url)
    const peer = web.peerOf(url)
    const { timeouts } = config
    const mayReach = isPublicAddress
    const found = await reachableAddresses({
      host,
      peer,
      timeouts,
      signal,
      mayReach,
      ...(lookup && { lookup }),
    })
    if (isIP(host) > 0) return undefined
    const addresses = found
      .slice(0, MOST_ADDRESSES)
      .map(({ address }) => (isIP(address) === 6 ? `[${address}]` : address))
    return `${host}:${portOf(url)}:${addresses.join(',')}`
  }

  async function httpAccess(repository: FoundRepository, signal: AbortSignal): Promise<RemoteAccess> {
    const { url, configured, trusted } = repository
    const known = configured || (trusted && logins.isConfigured(url))
    if (url.protocol === 'http:' && !known)
      throw failure(
        'upstream_invalid',
        web.peerOf(url),
        'is to be asked over plain http, but is not configured',
      )
    const proxy = proxies.proxyFor(url)
    if (proxy !== undefined && !known) refuseLiteral(url, web.peerOf(url), isPublicAddress)
    const resolve = proxy === undefined && !known ? await resolved(url, signal) : undefined
    const rest = {
      ...(proxy !== undefined && { proxy: proxy.href }),
      ...(resolve !== undefined && { resolve }),
    }
    if (!configured && !trusted) return { ...rest, entry: 'none' }
    const { label, entry, show } = logins.choose(url, { mapped: configured })
    const shown = await show(url, signal)
    const access: RemoteAccess = {
      ...(shown.header !== undefined && { authorization: shown.header }),
      ...(entry?.ca !== undefined && { ca: entry.ca }),
      ...(entry?.certificate && { certificate: entry.certificate }),
      ...rest,
      entry: label,
    }
    given.set(access, shown)
    return access
  }

  return {
    async accessTo(repository, { signal }) {
      switch (repository.url.protocol) {
        case 'file:':
          return { entry: 'none' }
        case 'ssh:':
          return sshAccess(repository)
        default:
          return httpAccess(repository, signal)
      }
    },
    refused: (access) => given.get(access)?.refused() ?? false,
  }
}
