import type { GitOriginConfig } from '../../config/config.ts'
import type { connect } from '../connect.ts'
import type { Outside } from '../outside.ts'
import { createAccess, type Access } from './access.ts'
import { createDiscovery } from './discover.ts'
import type { Discovery } from './found.ts'
import { createLogins } from './logins.ts'
import { createPages } from './pages.ts'
import { createWeb } from './web.ts'

/** Where the repositories of one git origin are, and with what they may be reached. */
export interface Remotes extends Discovery, Access {
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
}): Remotes {
  const { config, outside } = options
  const web = createWeb(options)
  const logins = createLogins(config, web)
  const pages = createPages({ config, outside, logins, web })
  return {
    ...createDiscovery({ config, logins, pages }),
    ...createAccess({ config, outside, logins, web }),
    close: () => web.close(),
  }
}
