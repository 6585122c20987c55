/** A git origin whose hosts are all one loopback server, and what tests ask of it. */
import { checkPath } from '@modstead/gomod/path'
import type { GitCredentials, GitOriginConfig } from '../../config/config.ts'
import { defaultGitOrigin } from '../../config/git-origins.ts'
import { connect } from '../connect.ts'
import type { Outside } from '../outside.ts'
import { asked, testOutside } from '../test-origin.ts'
import type { TestUpstream } from '../test-upstream.ts'
import { createTrust, type Trust } from '../trust.ts'
import type { DiscoverOptions, Found, FoundRepository } from './where/found.ts'
import { createRemotes, type Remotes } from './where/remotes.ts'

export function gitConfig(options: Partial<GitOriginConfig> = {}): GitOriginConfig {
  return { ...defaultGitOrigin('gitlab'), ...options }
}

export interface TestRemotesOptions {
  upstream: TestUpstream
  /** Authority of the upstream's certificate. */
  ca: string
  /** Addresses of hosts, as far as anybody can tell; those not listed are on this machine. */
  addresses?: Readonly<Record<string, string>>
  config?: Partial<GitOriginConfig>
  outside?: Partial<Outside>
  /** Only what the configuration says is trusted over TLS; otherwise the authority of the upstream is everywhere. */
  strict?: boolean
}

/** Making one takes a while. */
const trusts = new Map<string, Trust>()

/**
 * Remotes whose connections to hosts of `.test` all end at `upstream`, whatever host and port they are for, after the address that the host
 * is said to have was judged.
 */
export function testRemotes(options: TestRemotesOptions): Remotes {
  const { upstream, ca, addresses = {}, config, outside, strict } = options
  const addressOf = (host: string): string => addresses[host] ?? '127.0.0.1'
  const lookup = async (host: string) => [
    { address: addressOf(host), family: addressOf(host).includes(':') ? 6 : 4 },
  ]
  const known = trusts.get(ca) ?? createTrust({ name: 'gitlab', ca })
  trusts.set(ca, known)
  const open: typeof connect = (url, options, run) => {
    if (!url.hostname.endsWith('.test')) return connect(url, options, run)
    const address = addressOf(url.hostname)
    const target = new URL(url)
    target.port = String(upstream.port)
    const trust = strict === true ? options.trust : known
    const local = async () => (run.mayReach(address) ? LOOPBACK : [{ address, family: 4 }])
    const mayReach = (other: string) => other === '127.0.0.1' || run.mayReach(other)
    return connect(
      target,
      { ...options, trust, ownHost: target.host, lookup: local },
      {
        ...run,
        mayReach: run.mayReach(address) ? mayReach : run.mayReach,
      },
    )
  }
  return createRemotes({ config: gitConfig(config), outside: testOutside({ lookup, ...outside }), open })
}

const LOOPBACK = [{ address: '127.0.0.1', family: 4 }]

/** Discovers a module as a client's request does. */
export function discovered(
  remotes: Remotes,
  path: string,
  options: Partial<DiscoverOptions> = {},
): Promise<Found> {
  return remotes.discover(checkPath(path), { ...asked(), mayAsk: () => true, ...options })
}

export function repositoryAt(url: string, options: Partial<FoundRepository> = {}): FoundRepository {
  return {
    root: 'corp.example/x',
    url: new URL(url),
    goUrl: url,
    subdirectory: '',
    configured: false,
    trusted: true,
    ...options,
  }
}

export function tokenEntry(token: string, place?: string): GitCredentials {
  const login = { kind: 'token', token: { text: token }, scheme: 'basic' } as const
  return place === undefined ? { login } : { for: place, login }
}

/** The text before an Authorization header of Basic was made of it. */
export function loginIn(header: string | undefined): string | undefined {
  return header?.startsWith('Basic ') === true
    ? Buffer.from(header.slice('Basic '.length), 'base64').toString()
    : header
}

export const META = (prefix: string, vcs: string, root: string, subdirectory = ''): string =>
  `<html><head><meta name="go-import" content="${prefix} ${vcs} ${root} ${subdirectory}"></head>`
