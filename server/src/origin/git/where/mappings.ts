import { matchGlob, parseGlob, type Glob } from '@modstead/gomod/glob'
import type { RepositoryMapping } from '../../../config/config.ts'
import { ModsteadError } from '../../../errors.ts'
import type { FoundRepository } from './found.ts'

/** The repositories that the configuration names. */
export interface Mappings {
  /**
   * The repository of a module path; `above` where the path only leads to such repositories, so that nothing can be
   * there and nobody needs to be asked; `undefined` where the configuration says nothing.
   */
  find(path: string): FoundRepository | 'above' | undefined
}

interface Compiled {
  elements: readonly Glob[]
  /** Index of the first element below the host that has a wildcard, or 1 where none has. */
  open: number
  template: string
}

/**
 * A pattern of N elements makes the first N elements of a path its repository, and `{path}` those of them from the
 * first wildcard below the host on. The pattern with the most elements wins, then the one with the longest text without
 * wildcards at its beginning, then the first.
 */
export function createMappings(mappings: readonly RepositoryMapping[]): Mappings {
  const compiled = mappings
    .toSorted(
      (a, b) => count(b.pattern) - count(a.pattern) || literal(b.pattern).length - literal(a.pattern).length,
    )
    .map(compile)
  return {
    find(path) {
      const names = path.split('/')
      const fitting = compiled.find(
        ({ elements }) => elements.length <= names.length && fits(elements, names.slice(0, elements.length)),
      )
      if (fitting !== undefined) return repositoryOf(fitting, names)
      const leads = compiled.some(
        ({ elements }) => elements.length > names.length && fits(elements.slice(0, names.length), names),
      )
      return leads ? 'above' : undefined
    },
  }
}

function repositoryOf({ elements, open, template }: Compiled, names: readonly string[]): FoundRepository {
  const root = names.slice(0, elements.length)
  const path = root.slice(open).join('/')
  const url = new URL(template.replaceAll('{path}', () => path))
  const found = { root: root.join('/'), url, goUrl: url.href, subdirectory: '' }
  const below = url.protocol === 'file:' && { below: new URL(namedBy(template)) }
  return { ...found, configured: true, trusted: true, ...below }
}

/** What stands in a URL before the element that has the first `{path}` in it; the whole URL where none has. */
function namedBy(template: string): string {
  const [before = ''] = template.split('{path}')
  return before === template ? template : before.slice(0, before.lastIndexOf('/') + 1)
}

function compile({ pattern, url }: RepositoryMapping): Compiled {
  const texts = pattern.split('/')
  const elements = texts.map((text) => {
    const glob = parseGlob(text)
    if (typeof glob !== 'string') return glob
    throw new ModsteadError('config_invalid', `the pattern ${pattern} of a repository is no use: ${glob}`)
  })
  const open = texts.findIndex((text, index) => index > 0 && /[*?[]/.test(text))
  return { elements, open: open < 0 ? 1 : open, template: url }
}

function fits(globs: readonly Glob[], names: readonly string[]): boolean {
  return globs.every((glob, index) => matchGlob(glob, names[index]!))
}

function count(pattern: string): number {
  return pattern.split('/').length
}

function literal(pattern: string): string {
  return /^[^*?[\\]*/.exec(pattern)![0]
}
