import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Config, GitOriginConfig, GoproxyOriginConfig } from './config/config.ts'
import { proxyOriginAt } from './config/origins.ts'
import { ModsteadError } from './errors.ts'
import type { Observer } from './observe/observer.ts'
import type { GitOrigin } from './origin/git/git-origin.ts'
import type { GitWorkshop } from './origin/git/open.ts'
import { createGoproxyOrigin, type GoproxyOrigin } from './origin/goproxy.ts'
import { createLazyOrigin } from './origin/lazy.ts'
import { isOurselves } from './origin/loop.ts'
import { createNamedProxies } from './origin/named-proxies.ts'
import { originsToAsk } from './origin/others.ts'
import type { Outside } from './origin/outside.ts'
import type { Origin } from './proxy/origin.ts'

/** The origins of a configuration, open. */
export interface OpenOrigins {
  /** All of them by name, `direct` included. */
  readonly all: ReadonlyMap<string, Origin>
  /** Those that are module proxies. */
  readonly proxies: ReadonlyMap<string, GoproxyOrigin>
  /** The configurations of the module proxies that are asked. */
  readonly asked: readonly GoproxyOriginConfig[]
  /** The git origins that are open: `direct` is among them once it was asked. */
  readonly gits: readonly GitOrigin[]
  close(): Promise<void>
}

/** Clones are kept where modules are: what is wrong with the disk is said in the same way. */
function unusable(error: unknown): unknown {
  if (error instanceof ModsteadError || !(error instanceof Error) || !('code' in error)) return error
  return new ModsteadError('store_unavailable', `repositories cannot be kept: ${error.message}`, {
    cause: error,
    next: 'who runs this modstead should look at the disk of its data folder',
  })
}

/** Opens the configured origins. Throws `config_invalid` for credentials and certificates that cannot be used. */
export async function openOrigins(options: {
  config: Config
  /** Where what origins keep for themselves may lie. */
  folder: string
  outside: Outside
  observer: Observer
}): Promise<OpenOrigins> {
  const { config, folder, outside, observer } = options
  const others = originsToAsk(config, observer.log)
  const proxies = new Map<string, GoproxyOrigin>()
  const all = new Map<string, Origin>()
  const asked: GoproxyOriginConfig[] = []
  // What pages name may lead to public addresses only, and counts under one name, for pages name what they like.
  const named = createNamedProxies((url) =>
    createGoproxyOrigin({ ...proxyOriginAt(url.href), name: 'named' }, outside, { onAStrangersWord: true }),
  )
  const gits: GitOrigin[] = []
  let workshop: Promise<GitWorkshop> | undefined

  async function openGit(git: GitOriginConfig): Promise<GitOrigin> {
    // Loaded on use: most servers ask other proxies only.
    const { openGitOrigin, openGitWorkshop } = await import('./origin/git/open.ts')
    workshop ??= openGitWorkshop({
      folder: join(folder, 'git'),
      size: config.clones,
      threads: availableParallelism(),
      observer,
    }).catch((error: unknown) => {
      // A full disk may have room again: whoever asks next tries anew.
      workshop = undefined
      throw unusable(error)
    })
    const origin = openGitOrigin(git, {
      workshop: await workshop,
      outside,
      proxyAt: (url) => named.at(url),
      isOurselves: (url) => isOurselves(url, config),
    })
    gits.push(origin)
    return origin
  }

  for (const [name, origin] of others) {
    if (origin.type === 'git') {
      all.set(name, await openGit(origin))
      continue
    }
    const proxy = createGoproxyOrigin(origin, outside)
    proxies.set(name, proxy)
    all.set(name, proxy)
    asked.push(origin)
  }
  all.set(
    'direct',
    createLazyOrigin('direct', { speculative: false }, () => openGit(config.direct)),
  )

  return {
    all,
    proxies,
    asked,
    gits,
    async close() {
      await Promise.all(Array.from(all.values(), (origin) => origin.close()))
      await named.close()
      await (await workshop)?.close()
    },
  }
}
