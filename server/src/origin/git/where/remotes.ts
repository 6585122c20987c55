import type { GitOriginConfig } from '../../../config/config.ts'
import type { OriginOptions } from '../../../proxy/origin.ts'
import type { connect } from '../../connect.ts'
import type { Exchange } from '../../exchange.ts'
import type { Peer } from '../../failures.ts'
import type { Outside } from '../../outside.ts'
import { isPublicAddress } from '../../public-address.ts'
import { createTrust } from '../../trust.ts'
import { createAccess, type Access } from './access.ts'
import { createDiscovery } from './discover.ts'
import type { Discovery, FoundRepository } from './found.ts'
import { createLogins } from './logins.ts'
import { createPages } from './pages.ts'
import { createWeb, type HostRequest } from './web.ts'

/** Where the repositories of one git origin are, and with what they may be reached. */
export interface Remotes extends Discovery, Access {
  /** Sends one request to the host of a repository, over connections of our own. Throws what `connect` and `exchange` throw. */
  send(request: HostRequest, repository: FoundRepository, options: OriginOptions): Promise<Exchange>
  peerOf(url: URL): Peer
  /** Whether the configuration names the host of a URL: then it may have any address. */
  isConfigured(url: URL): boolean
  /** Ends its connections. */
  close(): Promise<void>
}

/**
 * Throws `config_invalid` for certificates that cannot be used. `open` is how a connection is opened; default: as every
 * origin does it.
 */
export function createRemotes(options: {
  config: GitOriginConfig
  outside: Outside
  open?: typeof connect
  /** Whether a URL leads to this server; default: none does. */
  isOurselves?: (url: string) => boolean
}): Remotes {
  const { config, outside, isOurselves = () => false } = options
  const web = createWeb(options)
  const logins = createLogins(config, web)
  const pages = createPages({ config, outside, logins, web })
  const strangers = createTrust({ name: config.name })

  async function send(
    request: HostRequest,
    { url, configured, trusted }: FoundRepository,
    options: OriginOptions,
  ): Promise<Exchange> {
    const isKnown = configured || (trusted && logins.isConfigured(url))
    const trust = configured || trusted ? await logins.choose(url, { mapped: configured }).trust() : strangers
    return web.send({ ...request, trust, mayReach: isKnown ? () => true : isPublicAddress }, options)
  }

  return {
    send,
    peerOf: web.peerOf,
    isConfigured: logins.isConfigured,
    ...createDiscovery({ config, logins, pages, isOurselves }),
    ...createAccess({ config, outside, logins, web }),
    close: () => web.close(),
  }
}
