/**
 * Versions of modules: the canonical form, whether a version fits a module path, the escaped form, the order of
 * module versions, and what may stand where a version is asked for. The rules are those of golang.org/x/mod/module.
 */
import { GomodError } from './error.ts'
import { escapeCase, unescapeCase } from './escape.ts'
import { compareText } from './order.ts'
import { checkPath, checkPathMajor, matchPathMajor, pathProblem, splitPathVersion } from './path.ts'
import { shown } from './quote.ts'
import { build, canonical, compare } from './semver.ts'

/** A canonical version that passed `checkVersion` for its module path. */
export type Version = string & { readonly __brand: 'Version' }

/** A module path and a version: canonical, or `''` for none, or with a file (`v1.0.0/go.mod`) as in go.sum. */
export interface ModuleVersion {
  readonly path: string
  readonly version: string
}

/** The longest query that `isQuery` accepts, in characters. Names of branches and tags are bounded by file names. */
export const MAX_QUERY_LENGTH = 255

/** The canonical form of `v`, which keeps `+incompatible` and drops other build metadata; `''` if `v` is no version. */
export function canonicalVersion(v: string): string {
  return build(v) === '+incompatible' ? `${canonical(v)}+incompatible` : canonical(v)
}

/**
 * Returns `v` if it is a canonical version that the module `path` may have. Throws GomodError `invalid_path` if
 * `path` is no module path, and `invalid_version` if `v` is no version, not canonical, or of another major version.
 */
export function checkVersion(path: string, v: string): Version {
  checkPath(path)
  const wanted = canonicalVersion(v)
  if (wanted === '')
    throw new GomodError('invalid_version', `${shown(v)} is not a semantic version such as v1.2.3`)
  if (wanted !== v) {
    throw new GomodError('invalid_version', `${shown(v)} is not a canonical version: write ${shown(wanted)}`)
  }
  checkPathMajor(v, splitPathVersion(path)?.pathMajor ?? '')
  return v as Version
}

/** Whether `checkVersion` accepts `v`, given that `path` is a module path. Nothing is thrown. */
export function isCanonicalFor(path: string, v: string): v is Version {
  if (v === '' || canonicalVersion(v) !== v) return false
  const split = splitPathVersion(path)
  return split !== undefined && matchPathMajor(v, split.pathMajor)
}

/**
 * The escaped form of a version or query, for file names and URLs: `v1.0.0-RC1` gives `v1.0.0-!r!c1`. Throws
 * GomodError `invalid_version` when `v` is not one element of ASCII that could name a file, or has a `!`.
 */
export function escapeVersion(v: string): string {
  const escaped = elementProblem(v) === undefined ? escapeCase(v) : undefined
  if (escaped === undefined)
    throw new GomodError('invalid_version', `${shown(v)} cannot be a version or a query`)
  return escaped
}

/** The version or query of an escaped one. Throws `invalid_escape` or, when it then cannot be one, `invalid_version`. */
export function unescapeVersion(escaped: string): string {
  const v = unescapeCase(escaped)
  if (v === undefined) {
    const message = `${shown(escaped)} is not an escaped version: write an upper-case letter as ! and its lower case`
    throw new GomodError('invalid_escape', message)
  }
  const problem = elementProblem(v)
  if (problem === undefined) return v
  throw new GomodError('invalid_version', `${shown(v)} cannot be a version or a query: ${problem}`)
}

/**
 * Whether `go` could send `query` where a version is asked for (`/@v/QUERY.info`): a version, canonical or not, a
 * branch, a tag, a prefix of a commit hash. Ask `isCanonicalFor` first, for `go` also sends versions that are
 * canonical but not for that path (`v2.0.0` of a module that lacks `/v2`) and means the tag of that name.
 *
 * The rule is that of `escapeVersion`, less what no revision can be called: longer than MAX_QUERY_LENGTH, a leading
 * dash (a program given it would read an option), and two dots in a row (a range to git).
 */
export function isQuery(query: string): boolean {
  if (query.length > MAX_QUERY_LENGTH || query.startsWith('-') || query.includes('..')) return false
  return elementProblem(query) === undefined && escapeCase(query) !== undefined
}

/**
 * The order of module versions: by path, then by the precedence of the version, then by the bytes of its text (so
 * that the order is total), and last by the file after a slash.
 */
export function compareModuleVersions(a: ModuleVersion, b: ModuleVersion): -1 | 0 | 1 {
  if (a.path !== b.path) return compareText(a.path, b.path)
  if (a.version === b.version) return 0
  const [aVersion, aFile] = splitFile(a.version)
  const [bVersion, bFile] = splitFile(b.version)
  if (aVersion === bVersion) return compareText(aFile, bFile)
  return compare(aVersion, bVersion) || compareText(aVersion, bVersion)
}

/** A copy of `list` in the order of `compareModuleVersions`, which is the order of go.sum. */
export function sortModuleVersions<T extends ModuleVersion>(list: Iterable<T>): T[] {
  return Array.from(list).sort(compareModuleVersions)
}

function elementProblem(v: string): string | undefined {
  return v.includes('/') ? 'it has a slash' : pathProblem('file', v)
}

function splitFile(version: string): [version: string, file: string] {
  const slash = version.indexOf('/')
  return slash < 0 ? [version, ''] : [version.slice(0, slash), version.slice(slash)]
}
