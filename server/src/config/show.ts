import { stringify } from 'yaml'
import { formatListenAddress } from './address.ts'
import type {
  ChecksumLogConfig,
  Config,
  OriginConfig,
  OriginCredentials,
  RouteConfig,
  SumdbConfig,
  TokenConfig,
  VanityRule,
} from './config.ts'
import { describeAccess } from './access/show-access.ts'
import { describeLimits } from './limits/limits.ts'
import { describeTenants } from './tenants/show-tenants.ts'
import { describeVersionMap } from './tenants/version-map.ts'
import { describeAudit } from './audit/audit.ts'
import { describeGitOrigin } from './show-git.ts'
import { formatOriginList } from './origin-list.ts'
import { HIDDEN } from './secrets.ts'
import { describeTrustedProxies } from './trusted-proxies.ts'
import { describeTls } from './tls.ts'
import { formatDuration, formatSize, mapValues } from './units.ts'

/**
 * The configuration as a file would say it, with every default written out and `(hidden)` for secrets: plain values,
 * for YAML or JSON.
 */
export function describeConfig(config: Config): Record<string, unknown> {
  const { publicUrl, pathPrefix, tls, dataDir, log } = config
  return {
    listen: config.listen.map(formatListenAddress),
    ...(publicUrl !== undefined && { publicUrl }),
    pathPrefix,
    ...(config.trustedProxies && describeTrustedProxies(config.trustedProxies)),
    ...(tls && { tls: describeTls(tls) }),
    dataDir,
    memory: formatSize(config.memory),
    clones: formatSize(config.clones),
    ...describeSite(config),
    ...(config.audit && { audit: describeAudit(config.audit) }),
    sumdb: config.sumdb.length === 0 ? 'off' : config.sumdb.map(describeSumdb),
    ...(config.mirror && {
      mirror: { modules: [...config.mirror.modules], every: formatDuration(config.mirror.every) },
    }),
    ...(config.tenants.length > 0 && { tenants: describeTenants(config, describeSite) }),
    limits: describeLimits(config.limits),
    log: { ...log },
    shutdownGrace: formatDuration(config.shutdownGrace),
  }
}

/** What a tenant can say as well. */
export function describeSite(config: Config): Record<string, unknown> {
  const { lookAhead } = config
  const origins = [...config.origins, ['direct', config.direct] as const]
  return {
    origins: Object.fromEntries([
      ...origins.map(([name, origin]) => [name, describeOrigin(origin)] as const),
      ...config.uploads.map((name) => [name, { type: 'upload' }] as const),
    ]),
    ...(config.tokens.length > 0 && { tokens: describeTokens(config.tokens) }),
    ...(config.access && { access: describeAccess(config.access) }),
    routes: config.routes.map((route) => describeRoute(route, config)),
    ...(config.checksumLog && { checksumLog: describeLog(config.checksumLog) }),
    ...(config.vanity.length > 0 && { vanity: config.vanity.map(describeVanity) }),
    ...(config.hooks.size > 0 && { hooks: describeHooks(config.hooks) }),
    ...(config.versions.length > 0 && { versions: describeVersionMap(config.versions) }),
    ...(config.stableQuery && { stableQuery: true }),
    lookAhead: { ...lookAhead, bytes: formatSize(lookAhead.bytes) },
  }
}

/** `describeConfig` as YAML. */
export function formatConfig(config: Config): string {
  return stringify(describeConfig(config), { lineWidth: 0 })
}

function describeOrigin(origin: OriginConfig): Record<string, unknown> {
  if (origin.type === 'git') return describeGitOrigin(origin)
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
  return Object.fromEntries(
    tokens.map(({ name, may }) => [name, { token: HIDDEN, ...(may.length > 0 && { may: [...may] }) }]),
  )
}

function describeRoute(route: RouteConfig, { checksumLog }: Config): Record<string, unknown> {
  const { modules, from, weights, hosts, fresh, staleWhileRevalidate, absent, lookAhead, checksum } = route
  return {
    modules: [...modules],
    from: formatOriginList(from),
    ...(weights && { weights: { ...weights } }),
    ...(hosts && { hosts: [...hosts] }),
    private: route.private,
    checksum,
    ...(checksumLog && { log: route.log !== false }),
    lookAhead,
    ...mapValues({ fresh, staleWhileRevalidate, absent }, formatDuration),
  }
}

function describeSumdb({ key, url }: SumdbConfig): string {
  return url === undefined ? key : `${key} ${url}`
}

/** Its verifier key is for everybody. */
function describeLog(log: ChecksumLogConfig): Record<string, unknown> {
  const { verifierKey, previousKeys, highWater, witnesses } = log
  return {
    key: HIDDEN,
    verifierKey,
    previousKeys: previousKeys.map(() => HIDDEN),
    ...(highWater !== undefined && { highWater }),
    witnesses: witnesses.map((witness) => ({ ...witness })),
  }
}

function describeVanity({ modules, repository, subdirectory, source }: VanityRule): Record<string, unknown> {
  return {
    modules: [...modules],
    repository,
    ...(subdirectory !== '' && { subdirectory }),
    source: typeof source === 'string' ? source : { ...source },
  }
}

function describeHooks(hooks: Config['hooks']): Record<string, unknown> {
  return Object.fromEntries([...hooks].map(([name, { type }]) => [name, { type, secret: HIDDEN }]))
}
