import { checkPattern, compilePatterns } from '@modstead/gomod/pattern'
import type { GitOriginConfig, OriginConfig, RepositoryMapping, RouteConfig } from './config.ts'
import { type BuildContext, complain, shown } from './context.ts'
import { buildGitCredentials } from './git-credentials.ts'
import { gitOriginSchema, type FileGitOrigin } from './git-schema.ts'
import { hostsOfPatterns, parseHostPattern } from './host-pattern.ts'
import type { KeyPath } from './problems.ts'
import { parseRepositoryUrl } from './repository-url.ts'

/** An origin of `type: git`, still without the hosts that only routes tell: `withHostsOfRoutes` adds them. */
export async function buildGitOrigin(
  context: BuildContext,
  name: string,
  origin: FileGitOrigin,
): Promise<GitOriginConfig> {
  const path: KeyPath = ['origins', name]
  const { type, timeouts, connections, limits } = origin
  const hosts = (origin.hosts ?? []).map((host, index) => {
    const parsed = parseHostPattern(host)
    const at = [...path, 'hosts', index]
    if (typeof parsed === 'string')
      complain(context, at, `expected ${parsed}, found ${shown(context, at, host)}`)
    return host
  })
  const repositories = Object.entries(origin.repositories ?? {}).flatMap(([pattern, url]) =>
    buildMapping(context, [...path, 'repositories', pattern], pattern, url),
  )
  const credentials = await buildGitCredentials(context, [...path, 'credentials'], origin.credentials)
  const hasLogin = credentials.some(({ login }) => login !== undefined && login.kind !== 'ssh')
  if (hasLogin && repositories.some(({ url }) => url.startsWith('http:')))
    context.warn(`the credentials of origin ${name} are sent unencrypted where its repositories are http`)
  return { name, type, hosts, repositories, credentials, timeouts, connections, limits }
}

/** What `direct` means where nothing is said about it: repositories at public addresses, without credentials. */
export function defaultGitOrigin(name: string): GitOriginConfig {
  const { type, timeouts, connections, limits } = gitOriginSchema.parse({ type: 'git' })
  return { name, type, hosts: [], repositories: [], credentials: [], timeouts, connections, limits }
}

/**
 * `origin` with the hosts it is for where the file says none: those of its mappings, and of the patterns of the private
 * routes that name it.
 */
export function withHostsOfRoutes(origin: GitOriginConfig, routes: readonly RouteConfig[]): GitOriginConfig {
  if (origin.hosts.length > 0) return origin
  const mapped = origin.repositories.map(hostOf).filter((host) => host !== '')
  const patterns = routes
    .filter((route) => route.private && route.from.some((entry) => entry.origin === origin.name))
    .flatMap((route) => route.modules)
  return { ...origin, hosts: [...new Set([...mapped, ...hostsOfPatterns(patterns)])] }
}

/** Warns of mappings to hosts that the route of these modules leaves out: one of the two was not meant, and the mapping holds. */
export function warnOfHosts(
  context: BuildContext,
  routes: readonly RouteConfig[],
  origins: ReadonlyMap<string, OriginConfig>,
): void {
  for (const { modules, from, hosts } of routes) {
    if (hosts === undefined) continue
    const allowed = compilePatterns(hosts.map(nameOfHost))
    for (const name of new Set(from.map(({ origin }) => origin))) {
      const origin = origins.get(name)
      if (origin?.type !== 'git') continue
      for (const mapping of origin.repositories.filter(({ pattern }) => overlap(modules, pattern))) {
        const host = hostOf(mapping)
        if (host === '' || hosts.includes(host) || allowed.matches(nameOfHost(host))) continue
        context.warn(
          `hosts of the route for ${modules.join(', ')} leaves out ${host}, where repositories of origin ${name} are for ${mapping.pattern}: what is mapped is asked all the same`,
        )
      }
    }
  }
}

/** Without its port, which may be the usual one. */
function nameOfHost(host: string): string {
  return host.replace(/:\d+$/, '')
}

function overlap(modules: readonly string[], pattern: string): boolean {
  return (
    compilePatterns(modules).matches(pattern) ||
    modules.some((module) => compilePatterns(pattern).matches(module))
  )
}

/** Host and port of a mapping; empty for a folder of this machine. */
function hostOf({ url }: RepositoryMapping): string {
  return new URL(url.replaceAll('{path}', 'x')).host
}

function buildMapping(
  context: BuildContext,
  path: KeyPath,
  pattern: string,
  template: string,
): RepositoryMapping[] {
  const problem = checkPattern(pattern) ?? (pattern.endsWith('/') ? 'it ends in a slash' : undefined)
  if (problem !== undefined) {
    complain(context, path, `the pattern ${JSON.stringify(pattern)} is no use: ${problem}`)
    return []
  }
  // The place of {path} is kept by a word that stands nowhere else: what is around it is used as it was read.
  let sample = 'x'
  while (template.includes(sample)) sample += 'x'
  const url = parseRepositoryUrl(template.replaceAll('{path}', sample), 'configuration')
  if (typeof url === 'string') {
    complain(context, path, `expected ${url}, found ${shown(context, path, template)}`)
    return []
  }
  if (url.host.includes(sample) || url.username.includes(sample)) {
    complain(context, path, 'expected {path} behind the host of the URL')
    return []
  }
  const open = /[*?[]/.test(pattern)
  if (open && !template.includes('{path}')) {
    complain(
      context,
      path,
      'expected a URL with {path} in it: a pattern with wildcards is for many repositories',
    )
    return []
  }
  if (!pattern.includes('/') && template.includes('{path}')) {
    complain(context, path, 'expected a pattern with a path, as {path} stands for a part of it')
    return []
  }
  return [{ pattern, url: url.href.replaceAll(sample, '{path}') }]
}
