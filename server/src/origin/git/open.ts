import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ModulePath } from '@modstead/gomod/path'
import type { GitOriginConfig } from '../../config/config.ts'
import type { Observer } from '../../observe/observer.ts'
import type { Origin, OriginOptions } from '../../proxy/origin.ts'
import { createAccepted } from './wire/accepted.ts'
import { matchesHost } from './where/allowed-hosts.ts'
import { createAuthorities, type Authorities } from './where/authorities.ts'
import { openClones, type Clones } from './clones/clones.ts'
import type { FoundRepository } from './where/found.ts'
import { createFileRemote, writeServingConfig } from './wire/file-remote.ts'
import { createGitHelper, type RunGit } from './programs/git-helper.ts'
import { createGates } from './programs/gates.ts'
import { createGitOrigin, type Found, type GitOrigin } from './git-origin.ts'
import { createHttpRemote } from './wire/http-remote.ts'
import type { Remote } from './wire/remote.ts'
import { runGit } from './programs/run-git.ts'
import { createRemotes } from './where/remotes.ts'
import { createSshRemote } from './wire/ssh-remote.ts'
import { createZipBuilder, type ZipBuilder } from './zips/zip-builder.ts'
import type { Outside } from '../outside.ts'

/** What all git origins share: the clone cache, and the workers that make zips. */
export interface GitWorkshop {
  readonly run: RunGit
  readonly clones: Clones
  readonly builder: ZipBuilder
  readonly authorities: Authorities
  /** Settings of the git that serves file remotes: a path. */
  readonly servingConfig: string
  close(): Promise<void>
}

/** Bytes that the refs of a repository may have, and those that the files of a commit may have on their way into a zip. */
const MOST_REFS = 64 << 20
const MOST_FILES = 2 ** 31
/** Milliseconds that git may take to read what is here. */
const LOCAL = 120_000

/** Opens the workshop in its folder, which is made where there is none. What a crash left half made is deleted. */
export async function openGitWorkshop(options: {
  folder: string
  /** Bytes that all clones may take together. */
  size: number
  threads: number
  observer: Observer
}): Promise<GitWorkshop> {
  const { folder, size, threads, observer } = options
  const { log } = observer
  const scratch = join(folder, 'scratch')
  await rm(scratch, { recursive: true, force: true })
  await mkdir(scratch, { recursive: true, mode: 0o700 })
  const servingConfig = join(folder, 'serving.config')
  await writeServingConfig(servingConfig)
  await warnOfGit(observer)
  const helper = createGitHelper(log)
  const { run } = helper
  const clones = await openClones({
    folder: join(folder, 'clones'),
    most: size,
    run,
    gates: createGates(threads),
    log,
  })
  const builder = createZipBuilder({ scratch, threads, most: MOST_FILES, deadline: LOCAL, run, log })
  return {
    run,
    clones,
    builder,
    authorities: createAuthorities(folder),
    servingConfig,
    async close() {
      await clones.close()
      await builder.close()
      helper.close()
    },
  }
}

/** Says at once what would otherwise be found out by the first request. */
async function warnOfGit({ log }: Observer): Promise<void> {
  const signal = AbortSignal.timeout(LOCAL)
  const run = { args: ['version'], signal, deadlines: { total: LOCAL }, limit: 1_000 }
  const found = await runGit(run).catch((error: unknown) => error as Error)
  const version = found instanceof Error ? found.message : found.stdout.toString().trim()
  const [, major = 0, minor = 0] = /(\d+)\.(\d+)/.exec(version) ?? []
  if (Number(major) > 2 || (Number(major) === 2 && Number(minor) >= OLDEST_MINOR)) return
  log.warn({ git: version }, `repositories need git 2.${OLDEST_MINOR} or newer where modstead runs`)
}

/** The git that first knows every setting we use: `http.curloptResolve` is the newest. */
const OLDEST_MINOR = 37

/**
 * What a repository's clone is kept under. Who named it decides which credentials it is asked with, and `hosts` of the
 * route where it may be, so that one clone must not serve another's finder.
 */
export function cloneKey(
  origin: string,
  { url, configured, trusted }: FoundRepository,
  hosts?: readonly string[],
): string {
  const finder = [configured ? 'mapped' : 'found', trusted ? 'ours' : 'anyone']
  return [origin, ...finder, url.href, ...(hosts ?? []).toSorted()].join(' ')
}

/** Which hosts may be asked where `hosts` of a route names some. */
function askable(hosts: readonly string[] | undefined): (host: string) => boolean {
  return (host) => hosts === undefined || matchesHost(hosts, host)
}

/**
 * The git origin of a configuration. `proxyAt` gives the module proxy that a go-import page names. Throws
 * `config_invalid` for certificates that cannot be used.
 */
export function openGitOrigin(
  config: GitOriginConfig,
  options: {
    workshop: GitWorkshop
    outside: Outside
    proxyAt(url: URL): Origin
    /** Whether a URL leads to this server: a page that names us says nothing new. */
    isOurselves(url: string): boolean
  },
): GitOrigin {
  const { workshop, outside, proxyAt, isOurselves } = options
  const { name, timeouts, limits } = config
  const remotes = createRemotes({ config, outside, isOurselves })
  const accepted = createAccepted()
  const { authorities, servingConfig, run } = workshop

  function remoteOf(repository: FoundRepository, hosts: readonly string[] | undefined): Remote {
    const { url, goUrl, below } = repository
    const key = cloneKey(name, repository, hosts)
    switch (url.protocol) {
      case 'file:':
        return createFileRemote({
          key,
          url,
          ...(below && { below }),
          servingConfig,
          deadline: LOCAL,
          limit: MOST_REFS,
          run,
        })
      case 'ssh:':
        return createSshRemote({
          key,
          url,
          shown: goUrl,
          limit: MOST_REFS,
          deadlines: {
            connect: timeouts.connect,
            refs: timeouts.total,
          },
          async access(signal) {
            const { ssh, entry } = await remotes.accessTo(repository, { signal })
            return {
              ...ssh!,
              entry,
            }
          },
        })
      default:
        return createHttpRemote({
          key,
          repository,
          accepted,
          authorities,
          limit: MOST_REFS,
          idle: timeouts.idle,
          total: timeouts.total,
          access: remotes,
          send: remotes.send,
          peerOf: remotes.peerOf,
          isConfigured: remotes.isConfigured,
          mayAsk: askable(hosts),
        })
    }
  }

  async function find(module: ModulePath, options: OriginOptions): Promise<Found> {
    const { hosts } = options
    const found = await remotes.discover(module, { ...options, mayAsk: askable(hosts) })
    if (found.vcs === 'mod') return { proxy: proxyAt(found.url) }
    const { root, subdirectory } = found.repository
    return { root, subdirectory, remote: remoteOf(found.repository, hosts) }
  }

  return createGitOrigin({
    name,
    find,
    clones: workshop.clones,
    builder: workshop.builder,
    observer: outside.observer,
    limits,
    bounds: {
      fetch: {
        total: timeouts.fetch,
        idle: timeouts.idle,
      },
      local: LOCAL,
      size: limits.repository,
    },
    close: () => remotes.close(),
  })
}
