import type { GitHost } from '../../config/access/access-config.ts'

/**
 * Where the repository of a module path is, by its text alone: at one of `paths`, of which `certain` says that there is
 * no other; `above` where a repository can only be below.
 */
export type Whereabouts = { paths: readonly string[]; certain: boolean } | 'above'

/** A mapping of the configuration: the repository of a module path, `above` those, or nothing said. */
export type FindMapped = (module: string) => { path: string } | 'above' | undefined

/** How many paths are tried where nothing says how long it is. */
const MOST = 10

/**
 * Makes the function that says where the repository of a module is on a host: where the configuration maps it, else at
 * as many elements after the host as `depth` says, else at any number from two on, as GitLab's groups within groups have
 * it. No path can be that of a group and of a project.
 */
export function createWhereabouts(
  { depth, repositories }: Pick<GitHost, 'depth' | 'repositories'>,
  mapped: FindMapped,
): (module: string) => Whereabouts {
  return (module) => {
    const found = repositories.length === 0 ? undefined : mapped(module)
    if (found === 'above') return 'above'
    if (found !== undefined) return { paths: [found.path], certain: true }
    const elements = module.split('/').slice(1)
    if (elements.length < (depth ?? 2)) return 'above'
    if (depth !== undefined) return { paths: [elements.slice(0, depth).join('/')], certain: true }
    const lengths = Array.from({ length: Math.min(elements.length, MOST) - 1 }, (_, i) => i + 2)
    return { paths: lengths.map((length) => elements.slice(0, length).join('/')), certain: false }
  }
}
