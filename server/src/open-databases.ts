import type { Config } from './config/config.ts'
import type { GoproxyOrigin } from './origin/goproxy.ts'
import type { Outside } from './origin/outside.ts'
import { createSumdbRemote, type OpenSumdbRemote } from './origin/sumdb-remote.ts'

/** The ways to the checksum databases: through the origins of the public routes that use them, as `go` goes. */
export function openRemotes(
  config: Config,
  origins: ReadonlyMap<string, GoproxyOrigin>,
  outside: Outside,
): OpenSumdbRemote[] {
  return config.sumdb.map((database) => {
    const entries = config.routes
      .filter((route) => !route.private && route.checksum === database.name)
      .flatMap((route) => route.from)
    const through = entries.flatMap(({ origin }) => origins.get(origin)?.tree ?? [])
    return createSumdbRemote({ config: database, through, ...DIRECT, outside })
  })
}

/** How a checksum database itself is asked. Milliseconds. */
export const DIRECT = {
  timeouts: { lookup: 10_000, connect: 30_000, tls: 10_000, headers: 30_000, idle: 30_000, total: 120_000 },
  connections: 16,
  tries: 3,
}

/** The addresses that the configuration names. */
export function outsideUrls(config: Config): string[] {
  const databases = config.sumdb.map(({ name, url }) => url ?? `https://${name}`)
  const proxies = [...config.origins.values()].flatMap((origin) =>
    origin.type === 'goproxy' ? [origin.url] : [],
  )
  return [...proxies, ...databases]
}
