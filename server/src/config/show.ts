import { stringify } from 'yaml'
import { formatListenAddress } from './address.ts'
import type {
  Config,
  OriginConfig,
  OriginCredentials,
  RouteConfig,
  SumdbConfig,
  TokenConfig,
} from './config.ts'
import { HIDDEN } from './secrets.ts'
import { formatDuration, formatSize } from './units.ts'

/**
 * The configuration as a file would say it, with every default written out and `(hidden)` for secrets: plain values,
 * for YAML or JSON.
 */
export function describeConfig(config: Config): Record<string, unknown> {
  const { publicUrl, pathPrefix, tls, dataDir, lookAhead, log, origins } = config
  return {
    listen: config.listen.map(formatListenAddress),
    ...(publicUrl !== undefined && { publicUrl }),
    pathPrefix,
    ...(tls && { tls: { ...tls } }),
    dataDir,
    memory: formatSize(config.memory),
    origins: Object.fromEntries([
      ...Array.from(origins, ([name, origin]) => [name, describeOrigin(origin)] as const),
      ...config.uploads.map((name) => [name, { type: 'upload' }] as const),
    ]),
    ...(config.tokens.length > 0 && { tokens: describeTokens(config.tokens) }),
    routes: config.routes.map(describeRoute),
    sumdb: config.sumdb.length === 0 ? 'off' : config.sumdb.map(describeSumdb),
    lookAhead: { ...lookAhead, bytes: formatSize(lookAhead.bytes) },
    log: { ...log },
    shutdownGrace: formatDuration(config.shutdownGrace),
  }
}

/** `describeConfig` as YAML. */
export function formatConfig(config: Config): string {
  return stringify(describeConfig(config), { lineWidth: 0 })
}

/** `public, mirror | direct`: an origin list as GOPROXY would have it. */
export function formatOriginList(from: RouteConfig['from']): string {
  return from
    .map(({ origin, then }, index) =>
      index === from.length - 1 ? origin : `${origin}${then === 'any' ? '|' : ','}`,
    )
    .join('')
}

function describeOrigin(origin: OriginConfig): Record<string, unknown> {
  const { type, url, credentials, ca, timeouts, connections, tries, limits } = origin
  return {
    type,
    url,
    ...(credentials && { credentials: describeCredentials(credentials) }),
    ...(ca !== undefined && { ca }),
    timeouts: mapValues(timeouts, formatDuration),
    connections,
    tries,
    limits: mapValues(limits, formatSize),
  }
}

function describeCredentials(credentials: OriginCredentials): Record<string, string> {
  switch (credentials.kind) {
    case 'basic':
      // Without a password the user name is most likely a token: https://TOKEN@host.
      return { username: credentials.password === '' ? HIDDEN : credentials.username, password: HIDDEN }
    case 'bearer':
      return { token: HIDDEN }
    case 'netrc':
      return { netrc: credentials.file }
    case 'clientCertificate':
      return { cert: credentials.cert, key: credentials.key }
  }
}

function describeTokens(tokens: readonly TokenConfig[]): Record<string, unknown> {
  return Object.fromEntries(tokens.map(({ name, may }) => [name, { token: HIDDEN, may: [...may] }]))
}

function describeRoute(route: RouteConfig): Record<string, unknown> {
  const { modules, from, fresh, staleWhileRevalidate, absent, lookAhead, checksum } = route
  return {
    modules: [...modules],
    from: formatOriginList(from),
    private: route.private,
    checksum,
    lookAhead,
    ...mapValues({ fresh, staleWhileRevalidate, absent }, formatDuration),
  }
}

function describeSumdb({ key, url }: SumdbConfig): string {
  return url === undefined ? key : `${key} ${url}`
}

function mapValues<Key extends string>(
  values: Record<Key, number>,
  format: (value: number) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries<number>(values).map(([key, value]) => [key, format(value)]))
}
