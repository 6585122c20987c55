/**
 * Module paths, import paths and file paths: which are allowed, the major version suffix, and the escaped form.
 * The rules are those of golang.org/x/mod/module.
 *
 * All three are elements joined by single slashes. No element is empty, made of dots only, ends in a dot, or is a
 * device name of Windows before its first dot. Beyond that:
 *
 * | path   | characters                                        | also                                            |
 * |--------|---------------------------------------------------|-------------------------------------------------|
 * | module | ASCII letters, digits, `-._~`                     | no element starts with a dot, no short names,   |
 * |        |                                                   | a first element like a host, a proper `/vN`     |
 * | import | those and `+`                                     | no leading dash, no Windows short names (`a~1`) |
 * | file   | letters of Unicode, digits, space and punctuation |                                                 |
 */
import { GomodError } from './error.ts'
import { escapeCase, unescapeCase } from './escape.ts'
import { isLetter } from './letters.ts'
import { shown } from './quote.ts'
import { build, major } from './semver.ts'

/** A module path that passed `checkPath`. */
export type ModulePath = string & { readonly __brand: 'ModulePath' }

/** Which set of rules a path obeys. */
export type PathKind = 'module' | 'import' | 'file'

/** A path in two parts: `prefix + pathMajor` is the path; `pathMajor` is `''`, `/vN` (N >= 2) or gopkg.in's `.vN`. */
export interface SplitPath {
  readonly prefix: string
  readonly pathMajor: string
}

/** Returns `path` if it is a module path. Throws GomodError `invalid_path` saying what is wrong and where. */
export function checkPath(path: string): ModulePath {
  return checked('module', path) as ModulePath
}

/** Returns `path` if it is the path of a package. Throws GomodError `invalid_path`. */
export function checkImportPath(path: string): string {
  return checked('import', path)
}

/** Returns `path` if it is a file path, slash-separated and relative, that a module may hold. Throws `invalid_path`. */
export function checkFilePath(path: string): string {
  return checked('file', path)
}

/** Whether `path` is a module path. */
export function isModulePath(path: string): path is ModulePath {
  return pathProblem('module', path) === undefined
}

/** What keeps `path` from being a path of this kind, as a phrase for an error message; `undefined` if nothing does. */
export function pathProblem(kind: PathKind, path: string): string | undefined {
  if (path === '') return 'it is empty'
  if (!path.isWellFormed()) return 'it is not valid Unicode'
  if (kind !== 'file' && path.startsWith('-')) return 'it starts with a dash'
  const badCharacter = characterProblem(kind, path)
  if (badCharacter !== undefined) return badCharacter
  for (const element of path.split('/')) {
    const problem = elementProblem(kind, element)
    if (problem !== undefined) return problem
  }
  return kind === 'module' ? moduleProblem(path) : undefined
}

/**
 * Splits a path from its major version suffix. `undefined` when the last element looks like one but is not allowed
 * (`/v1`, `/v02`, `/v1.2`), or a gopkg.in path has none.
 */
export function splitPathVersion(path: string): SplitPath | undefined {
  const gopkg = path.startsWith('gopkg.in/')
  let digits = gopkg && path.endsWith('-unstable') ? path.length - '-unstable'.length : path.length
  const end = digits
  let dotted = false
  for (; digits > 0; digits--) {
    const c = path.charCodeAt(digits - 1)
    if (c === DOT && !gopkg) dotted = true
    else if (!isDigit(c)) break
  }
  const suffixed = digits > 1 && path[digits - 1] === 'v' && path[digits - 2] === (gopkg ? '.' : '/')
  if (!suffixed || (digits === end && !gopkg)) return gopkg ? undefined : { prefix: path, pathMajor: '' }
  const prefix = path.slice(0, digits - 2)
  const pathMajor = path.slice(digits - 2)
  if (dotted || digits === end) return undefined
  if (path[digits] === '0' && !(gopkg && pathMajor === '.v0')) return undefined
  return pathMajor === '/v1' ? undefined : { prefix, pathMajor }
}

/**
 * The major version, `vN`, that `pathMajor` asks of version tags; `''` (v0 or v1) for none. Throws `invalid_path`
 * for what `splitPathVersion` cannot have given.
 */
export function pathMajorPrefix(pathMajor: string): string {
  if (pathMajor === '') return ''
  const prefix = stableMajor(pathMajor).slice(1)
  if (!/^[/.]/.test(pathMajor) || prefix === '' || prefix !== major(prefix)) {
    throw new GomodError(
      'invalid_path',
      `${shown(pathMajor)} is not the major version suffix of a module path`,
    )
  }
  return prefix
}

/** Whether a module whose path ends in `pathMajor` may have the version `v`. */
export function matchPathMajor(v: string, pathMajor: string): boolean {
  // Old releases of go gave such pseudo-versions to gopkg.in's .v1 paths, and go.mod files still require them.
  if (v.startsWith('v0.0.0-') && stableMajor(pathMajor) === '.v1') return true
  const versionMajor = major(v)
  if (pathMajor === '') return versionMajor === 'v0' || versionMajor === 'v1' || build(v) === '+incompatible'
  return /^[/.]/.test(pathMajor) && versionMajor === stableMajor(pathMajor).slice(1)
}

/** Throws GomodError `invalid_version` unless `matchPathMajor`. */
export function checkPathMajor(v: string, pathMajor: string): void {
  if (matchPathMajor(v, pathMajor)) return
  const wanted = pathMajor === '' ? 'v0 or v1' : stableMajor(pathMajor).replace(/^[/.]/, '')
  const suffix = pathMajor === '' ? 'without a major version suffix' : `ending in ${shown(pathMajor)}`
  const message = `the major version of ${shown(v)} must be ${wanted} for a module path ${suffix}`
  throw new GomodError('invalid_version', message)
}

/** The escaped form of a module path, for file names and URLs: `github.com/Azure` gives `github.com/!azure`. */
export function escapePath(path: string): string {
  // A valid path is ASCII without `!`, for which there always is an escaped form.
  return escapeCase(checkPath(path))!
}

/** The module path of an escaped path. Throws `invalid_escape` or, when it then is no module path, `invalid_path`. */
export function unescapePath(escaped: string): ModulePath {
  const path = unescapeCase(escaped)
  if (path === undefined) {
    const message = `${shown(escaped)} is not an escaped module path: write an upper-case letter as ! and its lower case`
    throw new GomodError('invalid_escape', message)
  }
  return checkPath(path)
}

function checked(kind: PathKind, path: string): string {
  const problem = pathProblem(kind, path)
  if (problem === undefined) return path
  throw new GomodError('invalid_path', `${shown(path)} is not a valid ${kind} path: ${problem}`)
}

function stableMajor(pathMajor: string): string {
  return pathMajor.startsWith('.v') && pathMajor.endsWith('-unstable') ? pathMajor.slice(0, -9) : pathMajor
}

/** The rules for module paths that are not about one element. */
function moduleProblem(path: string): string | undefined {
  const slash = path.indexOf('/')
  const host = slash < 0 ? path : path.slice(0, slash)
  if (!host.includes('.'))
    return `its first element ${shown(host)} has no dot, so it is not the name of a host`
  const bad = host.search(/[^-.0-9a-z]/)
  if (bad >= 0) return `${shown(host[bad]!)} is not allowed in the first element (character ${bad + 1})`
  if (splitPathVersion(path) !== undefined) return undefined
  if (path.startsWith('gopkg.in/')) return 'a gopkg.in path must end in .vN'
  return 'it must not end in /vN with a dot, a leading zero or N = 1'
}

function elementProblem(kind: PathKind, element: string): string | undefined {
  if (element === '') return 'it has an empty element'
  if (/^\.+$/.test(element)) return `an element must not be ${shown(element)}`
  if (kind === 'module' && element.startsWith('.')) return `the element ${shown(element)} starts with a dot`
  if (element.endsWith('.')) return `the element ${shown(element)} ends in a dot`
  if (DEVICE_NAME.test(element)) return `the element ${shown(element)} names a device on Windows`
  if (kind !== 'file' && SHORT_NAME.test(element))
    return `the element ${shown(element)} is like a Windows short name`
  return undefined
}

/** What Windows takes for a device whatever follows the first dot. */
const DEVICE_NAME = /^(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\.|$)/i

/** A tilde and digits at the end of what stands before the first dot. */
const SHORT_NAME = /^[^.]*~[0-9]+(?:\.|$)/

/** The characters a path may not have; for file paths, letters beyond ASCII still have to be let through. */
const FORBIDDEN: Readonly<Record<PathKind, RegExp>> = {
  module: /[^-._~0-9A-Za-z/]/gu,
  import: /[^-+._~0-9A-Za-z/]/gu,
  file: /[^-!#$%&()+,.=@[\]^_{}~ 0-9A-Za-z/]/gu,
}

function characterProblem(kind: PathKind, path: string): string | undefined {
  for (const { 0: character, index } of path.matchAll(FORBIDDEN[kind])) {
    if (kind === 'file' && isLetter(character.codePointAt(0)!)) continue
    return `${shown(character)} is not allowed (character ${index + 1})`
  }
  return undefined
}

const DOT = 0x2e

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39
}
