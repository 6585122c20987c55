import { pathMajorPrefix, splitPathVersion } from '@modstead/gomod/path'
import { ModsteadError } from '../../../errors.ts'
import type { ModuleLocation } from './code.ts'

/**
 * Where the module `path` lives in the repository whose root is called `root`, or whose folder `subdirectory` is.
 * Throws `not_found` for a path that this repository cannot hold. The rule is that of newCodeRepo in cmd/go.
 */
export function locate(path: string, root: string, subdirectory: string): ModuleLocation {
  const split = splitPathVersion(path)
  if (split === undefined || (path !== root && !path.startsWith(`${root}/`)))
    throw new ModsteadError('not_found', `the repository of ${root} cannot hold a module ${path}`)
  const { pathMajor } = split
  const pathPrefix = path === root ? path : split.prefix
  if (path === root) return { path, pathPrefix, pathMajor, root, folder: subdirectory }
  if (pathPrefix !== root && !pathPrefix.startsWith(`${root}/`))
    throw new ModsteadError('not_found', `the repository of ${root} cannot hold a module ${path}`)
  const below = pathPrefix.slice(root.length + 1)
  return { path, pathPrefix, pathMajor, root, folder: joined(subdirectory, below) }
}

/** The major version that a module path asks for, as in `v2`; `''` for v0 and v1. */
export function majorOf({ pathMajor }: ModuleLocation): string {
  return pathMajorPrefix(pathMajor)
}

function joined(folder: string, below: string): string {
  return [folder, below].filter((part) => part !== '').join('/')
}
