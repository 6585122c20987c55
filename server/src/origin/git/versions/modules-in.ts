import { isModulePath, type ModulePath } from '@modstead/gomod/path'
import { canonical, major } from '@modstead/gomod/semver'
import type { RemoteRefs } from '../wire/advertisement.ts'
import { tagOf } from './tags.ts'

/**
 * The module paths that the tags of a repository speak of: `v1.2.3` of the module at the root, `tool/v0.1.0` of the one
 * in that folder, and from v2 on also of the path with that major version. Whether there is a module is another
 * question. `root` is what the root of the repository, or its folder `subdirectory`, is called.
 */
export function modulesIn(
  { root, subdirectory }: { root: string; subdirectory: string },
  { byName }: RemoteRefs,
): ModulePath[] {
  const paths = new Set<string>([root])
  for (const ref of byName.keys()) {
    const tag = tagOf(ref)
    if (tag === undefined) continue
    const version = tag.slice(tag.lastIndexOf('/') + 1)
    if (version === '' || canonical(version) !== version) continue
    const folder = tag.slice(0, Math.max(0, tag.length - version.length - 1))
    const below = folderBelow(folder, subdirectory)
    if (below === undefined) continue
    const path = below === '' ? root : `${root}/${below}`
    paths.add(path)
    if (major(version) !== 'v0' && major(version) !== 'v1') paths.add(`${path}/${major(version)}`)
  }
  return [...paths].filter(isModulePath)
}

function folderBelow(folder: string, base: string): string | undefined {
  if (base === '' || folder === base) return base === '' ? folder : ''
  return folder.startsWith(`${base}/`) ? folder.slice(base.length + 1) : undefined
}
