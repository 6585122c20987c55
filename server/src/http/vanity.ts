/**
 * From an import path on a host of ours to the repository that holds it.
 *
 * What a rule's pattern matches, its first elements, is the root: every package below it gets the same answer, and so
 * does the root itself, which `go` asks for again to see whether the host agrees with what a package said of it.
 */
import { isModulePath, type ModulePath, pathProblem } from '@modstead/gomod/path'
import type { VanityRule, VanitySource } from '../config/config.ts'
import { matchesFirst, splitPattern, type VanityPattern } from '../config/vanity-pattern.ts'

/** What an import path stands for. */
export interface VanityImport {
  /** The path that was asked for: a package, a module or the root. */
  path: string
  root: ModulePath
  /** URL of the git repository. */
  repository: string
  /** Folder of the repository in which the root lies; `''` at its top. */
  subdirectory: string
  /** Texts of the go-source tag. */
  source: VanitySource | undefined
  /** Where people look at the repository. */
  home: string
}

/**
 * Makes the function that finds what an import path stands for; `undefined` where no rule is for it. The path begins
 * with the host, in lower case.
 */
export function createVanity(rules: readonly VanityRule[]): (path: string) => VanityImport | undefined {
  const known = rules.flatMap((rule) =>
    rule.modules.flatMap((text) => {
      const pattern = splitPattern(text)
      return pattern === undefined ? [] : [{ rule, pattern }]
    }),
  )
  return function findImport(path) {
    if (known.length === 0 || pathProblem('import', path) !== undefined) return undefined
    const elements = path.split('/')
    for (const { rule, pattern } of known) {
      const found = matchesFirst(pattern, elements) ? makeImport(rule, pattern, path, elements) : undefined
      if (found !== undefined) return found
    }
    return undefined
  }
}

/**
 * `undefined` where the root would be none: no module path, a wildcard that stands for a major version suffix (which
 * is a part of modules, not of repositories), or a name that git or `go` could take for an option.
 */
function makeImport(
  rule: VanityRule,
  { elements: { length }, wildcards }: VanityPattern,
  path: string,
  elements: readonly string[],
): VanityImport | undefined {
  const root = elements.slice(0, length).join('/')
  const matched = wildcards.map((index) => elements[index]!)
  if (!isModulePath(root) || matched.some((name) => name.startsWith('-') || MAJOR.test(name)))
    return undefined
  const tail = elements.slice(wildcards[0] ?? length, length).join('/')
  const fill = (template: string): string =>
    template.replace(/\{(path|[1-9])\}/g, (_, name: string) =>
      name === 'path' ? tail : (matched[Number(name) - 1] ?? ''),
    )
  const repository = fill(rule.repository)
  const subdirectory = fill(rule.subdirectory)
  const home = webUrl(repository)
  const source =
    typeof rule.source === 'string'
      ? sourceOf(rule.source, home, subdirectory)
      : {
          home: fill(rule.source.home),
          directory: fill(rule.source.directory),
          file: fill(rule.source.file),
        }
  return { path, root, repository, subdirectory, source, home: source?.home ?? home }
}

const MAJOR = /^v\d+$/

/** How each product names its pages for a folder and for a line of a file, at the tip of the default branch. */
const PRODUCTS = {
  gitlab: { directory: '/-/tree/HEAD', file: '/-/blob/HEAD' },
  github: { directory: '/tree/HEAD', file: '/blob/HEAD' },
  gitea: { directory: '/src/branch/HEAD', file: '/src/branch/HEAD' },
}

function sourceOf(
  product: 'none' | keyof typeof PRODUCTS,
  home: string,
  subdirectory: string,
): VanitySource | undefined {
  if (product === 'none') return undefined
  const { directory, file } = PRODUCTS[product]
  const folder = subdirectory === '' ? '' : `/${subdirectory}`
  return {
    home,
    directory: `${home}${directory}${folder}{/dir}`,
    file: `${home}${file}${folder}{/dir}/{file}#L{line}`,
  }
}

/** The page of a repository that git reaches at `repository`, as GitLab, GitHub, Gitea and their like have it. */
function webUrl(repository: string): string {
  const url = new URL(repository)
  const scheme = url.protocol === 'http:' ? 'http' : 'https'
  // The port of ssh says nothing of the web server's.
  const host = url.protocol.endsWith('ssh:') ? url.hostname : url.host
  return `${scheme}://${host}${url.pathname.replace(/(?:\.git)?\/*$/, '')}`
}
