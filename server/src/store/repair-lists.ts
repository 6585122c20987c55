import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../observe/observer.ts'
import { absentAs } from '../disk-errors.ts'
import { type FileSystem } from './file-system.ts'
import { realmOf, realmRoot, type TreeRoots } from './layout.ts'
import type { VersionLists } from './version-lists.ts'
import { walkModules } from './walk.ts'

export interface RepairOptions {
  files: FileSystem
  roots: TreeRoots
  lists: VersionLists
  log: Logger
  signal: AbortSignal
}

/**
 * Rewrites the lists that a crash left behind their folders, module by module, resting as long as each took. Never
 * rejects: what cannot be read is logged, and the next commit to that module writes its list anyway.
 */
export async function repairLists({ files, roots, lists, log, signal }: RepairOptions): Promise<void> {
  let modules = 0
  const start = performance.now()
  try {
    for (const realm of ['public', ...(await realms(files, roots.realms))]) {
      let before = performance.now()
      for await (const where of walkModules(files, realmRoot(roots, realm))) {
        await lists.rewrite(where)
        modules++
        await sleep(performance.now() - before, undefined, { signal })
        before = performance.now()
      }
    }
    log.info(
      { modules, ms: Math.round(performance.now() - start) },
      'the lists of stored versions are whole again',
    )
  } catch (error) {
    if (signal.aborted) return
    log.warn({ err: error, modules }, 'the lists of stored versions could not all be repaired')
  }
}

async function realms(files: FileSystem, folder: string): Promise<string[]> {
  const names = await files.readdir(folder).catch(absentAs<string[]>([]))
  return names.map(realmOf).filter((realm) => realm !== undefined)
}
