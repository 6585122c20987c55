/**
 * Patterns of module paths as in GOPRIVATE, GONOPROXY and GONOSUMDB: globs that match a path when they match its
 * first elements. `corp.example` covers everything on that host, `*.corp.example` its subdomains, and
 * `github.com/corp-*` every owner of such a name. The rules are those of MatchPrefixPatterns in
 * golang.org/x/mod/module.
 */
import { type Glob, headOf, literalOf, matchGlob, parseGlob, tailOf } from './glob.ts'
import { shown } from './quote.ts'

/** Compiled patterns. Asking takes time proportional to the patterns times the path at most, whatever they are. */
export interface PatternSet {
  /** The patterns it was made of, less the empty and the malformed ones. */
  readonly patterns: readonly string[]

  /** Whether a pattern matches `path` or a parent of it. */
  matches(path: string): boolean

  /**
   * Whether `path` could stand above something that a pattern matches: it has fewer elements than that pattern.
   * `go get corp.example/team/tool` asks for `corp.example/team` and `corp.example` as well, and whoever answers that
   * learns of the team and the host, so such a path is as private as what is below it.
   *
   * Wildcards count as anything they could be. The pattern of a host, a star and `secret` makes every two-element
   * path of that host a parent; `claimsAllParents` finds the patterns that claim every path of a length, and those
   * are better written another way.
   *
   * A host of which the pattern says nothing is no parent: a star, an owner and a name would keep every module to
   * oneself whose path is a host alone.
   */
  couldBeParentOf(path: string): boolean
}

/**
 * Compiles patterns, given as a list or separated by commas as in the environment variables. Like Go, it ignores
 * empty and malformed patterns, and one slash at the end; `checkPattern` says what is wrong with a pattern.
 */
export function compilePatterns(list: string | readonly string[]): PatternSet {
  const globs = (typeof list === 'string' ? list : list.join(','))
    .split(',')
    .map(withoutSlash)
    .filter((pattern) => pattern !== '')
    .map(parseGlob)
    .filter((glob) => typeof glob !== 'string')
  const prefixes = new GlobIndex(globs)
  const parents = new GlobIndex(globs.flatMap(parentGlobs))
  return {
    patterns: globs.map((glob) => glob.pattern),
    matches: (path) => prefixes.hasPrefixOf(path),
    couldBeParentOf: (path) => parents.has(path),
  }
}

/**
 * What is wrong with a pattern, as a phrase for an error message; `undefined` for a good one. It finds malformed
 * globs, which Go ignores in silence, and forms that can never match a module path.
 */
export function checkPattern(pattern: string): string | undefined {
  if (withoutSlash(pattern) === '') return 'it is empty'
  if (pattern.includes(',')) return 'it has a comma: write it as two patterns'
  if (/\s/.test(pattern)) return 'it has a space'
  if (pattern.includes('://')) return 'it has a scheme: write the host first, as in corp.example/team'
  if (pattern.startsWith('/')) return 'it starts with a slash: a pattern starts with the host'
  if (pattern.includes('//') || pattern.endsWith('//')) return 'it has an empty element'
  const glob = parseGlob(withoutSlash(pattern))
  if (typeof glob === 'string') return glob
  if (glob.slashes.length < elementCount(glob.pattern) - 1) return 'it has a slash in a character class []'
  if (/^[^/]*[A-Z]/.test(pattern))
    return `it has upper case in the host ${shown(pattern.split('/')[0]!)}, and no host has`
  return undefined
}

/**
 * Whether every path of some number of elements could be a parent of what `pattern` matches, as with a pattern of
 * two stars and a name: then nothing of that length is ever asked of a public origin. For a warning at start.
 */
export function claimsAllParents(pattern: string): boolean {
  const glob = parseGlob(withoutSlash(pattern))
  return typeof glob !== 'string' && parentGlobs(glob).some((parent) => /^[*/]+$/.test(parent.pattern))
}

/** Globs by their number of elements, those of one name in a set and the others by host where they have one. */
class GlobIndex {
  readonly #levels: Level[] = []

  constructor(globs: readonly Glob[]) {
    for (const glob of globs) this.#add(glob)
  }

  /** Whether a glob matches `path` or a parent of it. */
  hasPrefixOf(path: string): boolean {
    let end = -1
    for (const level of this.#levels) {
      end = path.indexOf('/', end + 1)
      if (matchLevel(level, end < 0 ? path : path.slice(0, end))) return true
      if (end < 0) return false
    }
    return false
  }

  /** Whether a glob matches `path`. */
  has(path: string): boolean {
    const level = this.#levels[elementCount(path) - 1]
    return level !== undefined && matchLevel(level, path)
  }

  #add(glob: Glob): void {
    const count = elementCount(glob.pattern)
    while (this.#levels.length < count) this.#levels.push({ names: new Set(), byHost: new Map(), others: [] })
    const level = this.#levels[count - 1]!
    const literal = literalOf(glob)
    const head = headOf(glob)
    const host = head.includes('/') ? firstElement(head) : undefined
    if (literal !== undefined) level.names.add(literal)
    else if (host === undefined) level.others.push({ glob, head, tail: tailOf(glob) })
    else level.byHost.set(host, [...(level.byHost.get(host) ?? []), { glob, head, tail: tailOf(glob) }])
  }
}

interface Level {
  readonly names: Set<string>
  readonly byHost: Map<string, readonly Entry[]>
  readonly others: Entry[]
}

interface Entry {
  readonly glob: Glob
  readonly head: string
  readonly tail: string
}

function matchLevel({ names, byHost, others }: Level, name: string): boolean {
  if (names.has(name) || matchSome(others, name)) return true
  const entries = byHost.size === 0 ? undefined : byHost.get(firstElement(name))
  return entries !== undefined && matchSome(entries, name)
}

function matchSome(entries: readonly Entry[], name: string): boolean {
  for (const { glob, head, tail } of entries) {
    if (name.endsWith(tail) && name.startsWith(head) && matchGlob(glob, name)) return true
  }
  return false
}

/** What stands above the names that `glob` matches, the host included where the pattern says something of it. */
function parentGlobs(glob: Glob): Glob[] {
  return glob.slashes
    .map((slash) => parseGlob(glob.pattern.slice(0, slash)))
    .filter((parent) => typeof parent !== 'string')
    .filter((parent) => elementCount(parent.pattern) > 1 || !/^[*?]+$/.test(parent.pattern))
}

/** How many elements a path has, or the names that a pattern can match: Go counts the slashes in classes too. */
function elementCount(path: string): number {
  return path.split('/').length
}

function firstElement(path: string): string {
  const slash = path.indexOf('/')
  return slash < 0 ? path : path.slice(0, slash)
}

function withoutSlash(pattern: string): string {
  return pattern.endsWith('/') ? pattern.slice(0, -1) : pattern
}
