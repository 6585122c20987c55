/**
 * go-import tags of web pages, read as cmd/go/internal/vcs does: the page is taken for lenient XML, up to the end of
 * its head or the beginning of its body, and what cannot be read ends it.
 */
import { elementsOf } from './markup.ts'

/** `<meta name="go-import" content="PREFIX VCS ROOT [SUBDIRECTORY]">`. */
export interface GoImport {
  prefix: string
  vcs: string
  root: string
  /** `''` where the tag has three fields. */
  subdirectory: string
}

/** The tags of a page. Those that name a module proxy come first and stand in for others of the same prefix. */
export function parseGoImports(page: string): GoImport[] {
  const all: GoImport[] = []
  for (const element of elementsOf(page)) {
    if (element.kind === 'start' ? element.name === 'body' : element.name === 'head') break
    if (element.kind === 'end' || element.name !== 'meta' || element.attributes.get('name') !== 'go-import')
      continue
    const fields = (element.attributes.get('content') ?? '').split(/\s+/).filter((field) => field !== '')
    const [prefix, vcs, root, subdirectory = ''] = fields
    if (fields.length < 3 || fields.length > 4) continue
    all.push({ prefix: prefix!, vcs: vcs!, root: root!, subdirectory })
  }
  const proxies = all.filter(({ vcs }) => vcs === 'mod')
  const proxied = new Set(proxies.map(({ prefix }) => prefix))
  return [...proxies, ...all.filter(({ vcs, prefix }) => vcs !== 'mod' && !proxied.has(prefix))]
}

/**
 * The tag for `path`: the one whose prefix is the path or a parent of it. `undefined` where there is none; `several`
 * where more than one of a kind says so, which is an error of the page.
 */
export function matchGoImport(imports: readonly GoImport[], path: string): GoImport | 'several' | undefined {
  const matching = imports.filter(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`))
  const proxies = matching.filter(({ vcs }) => vcs === 'mod')
  const chosen = proxies.length > 0 ? proxies : matching
  return chosen.length > 1 ? 'several' : chosen[0]
}

export function sameImport(a: GoImport, b: GoImport): boolean {
  return a.prefix === b.prefix && a.vcs === b.vcs && a.root === b.root && a.subdirectory === b.subdirectory
}
