import { readFile } from 'node:fs/promises'
import { createHostRights, type HostRights } from './access/git-hosts/host-rights.ts'
import type { RepositoryRights } from './access/git-hosts/repository-rights.ts'
import { createWhereabouts } from './access/git-hosts/where-repositories.ts'
import type { GitHost } from './config/access/access-config.ts'
import type { Observer } from './observe/observer.ts'
import { createEnvironmentAgent } from './origin/environment-agent.ts'
import { createCollaboratorRights } from './origin/git-hosts/collaborators.ts'
import { createGitlabRights } from './origin/git-hosts/gitlab.ts'
import { createMappings } from './origin/git/where/mappings.ts'

export interface OpenGitHostsOptions {
  hosts: readonly GitHost[]
  observer: Observer
  /** For HTTP(S)_PROXY and NO_PROXY. */
  env: Readonly<Record<string, string | undefined>>
  /** What is to be closed at the end. */
  closing: (() => Promise<void>)[]
}

/** Joins those who know who may read repositories with what asks them. Nothing is asked before somebody wants to read. */
export async function openGitHosts({
  hosts,
  observer,
  env,
  closing,
}: OpenGitHostsOptions): Promise<HostRights> {
  const asked = hosts.map(async (config) => {
    const dispatcher = createEnvironmentAgent(env, config.ca && (await readFile(config.ca, 'utf8')))
    closing.push(() => dispatcher.close())
    return {
      config,
      rights: rightsOf(config, dispatcher, warnOfForbidden(config, observer)),
      whereabouts: createWhereabouts(config, mappedBy(config)),
    }
  })
  return createHostRights({
    hosts: await Promise.all(asked),
    onFailure: (host, error) =>
      observer.log.warn({ err: error, host }, 'a git host cannot be asked who may read its repositories'),
    now: () => performance.now(),
  })
}

function rightsOf(
  { type, url, token }: GitHost,
  dispatcher: ReturnType<typeof createEnvironmentAgent>,
  onForbidden: (repository: string) => void,
): RepositoryRights {
  switch (type) {
    case 'gitlab':
      return createGitlabRights({ base: `${url}/api/v4`, headers: { 'private-token': token }, dispatcher })
    case 'github': {
      const headers = { authorization: `Bearer ${token}`, 'x-github-api-version': '2022-11-28' }
      return createCollaboratorRights({ base: url, headers, dispatcher }, onForbidden)
    }
    case 'gitea':
      return createCollaboratorRights(
        { base: `${url}/api/v1`, headers: { authorization: `token ${token}` }, dispatcher },
        onForbidden,
      )
  }
}

/** How often a host is warned of at most. Milliseconds. */
const WARNED = 60_000

function warnOfForbidden({ name }: GitHost, { log }: Observer): (repository: string) => void {
  let warned = -Infinity
  return (repository) => {
    if (performance.now() - warned < WARNED) return
    warned = performance.now()
    log.warn(
      { host: name, repository },
      'a git host does not let its token see who may read a repository: nobody reads that one by it',
    )
  }
}

/** The mappings of a git origin want URLs: here it is their paths that count. */
const SOMEWHERE = 'https://somewhere.invalid/'

function mappedBy({ repositories }: GitHost) {
  const mappings = createMappings(
    repositories.map(({ pattern, path }) => ({ pattern, url: SOMEWHERE + path })),
  )
  return (module: string) => {
    const found = mappings.find(module)
    if (typeof found !== 'object') return found
    return { path: found.url.pathname.slice(1).replace(/\.git$/, '') }
  }
}
