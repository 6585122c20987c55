import type { Config, OriginConfig } from '../config/config.ts'
import type { Logger } from '../observe/observer.ts'
import { type OurAddresses, withoutOurselves } from './loop.ts'

const PUBLIC_PROXY = 'https://proxy.golang.org'

/**
 * The configured origins without ourselves. Where nothing else is left, as after the `go env -w GOPROXY=…` that our own
 * banner suggests, Go's default takes that place: a set-up that knows only us is not meant to fetch nothing.
 */
export function originsToAsk(
  config: OurAddresses & Pick<Config, 'origins' | 'routes'>,
  log: Logger,
): Map<string, OriginConfig> {
  const others = withoutOurselves(config.origins, config, log)
  if (others.size > 0) return others
  const heardPrivately = new Set(
    config.routes
      .filter((route) => route.private)
      .flatMap((route) => route.from.map((entry) => entry.origin)),
  )
  for (const [name, configured] of config.origins) {
    if (configured.type !== 'goproxy') continue
    const { credentials: _ours, ca: _forUs, ...origin } = configured
    // What private routes ask must not become a public origin: their names never leave.
    if (heardPrivately.has(name)) continue
    others.set(name, { ...origin, name: 'proxy.golang.org', url: PUBLIC_PROXY })
    log.warn({ origin: name }, `no other origin is configured: ${PUBLIC_PROXY} is asked instead`)
  }
  return others
}
