/** What is wrong with a file of a module, or keeps it out of the module's zip. */
import { GomodError } from '../error.ts'
import { pathProblem } from '../path.ts'
import { shown } from '../quote.ts'
import { MAX_GO_MOD, MAX_LICENSE } from './limits.ts'

/**
 * The rule that a file breaks, or that leaves it out.
 *
 * | rule            | the file                                                             |
 * |-----------------|----------------------------------------------------------------------|
 * | `prefix`        | is not under `PATH@VERSION/` in the zip                              |
 * | `unclean`       | has an empty, `.` or `..` element in its path, or a slash at the end |
 * | `absolute`      | has a path that starts with a slash                                  |
 * | `name`          | has a path that file paths of modules must not have                  |
 * | `gomod_case`    | is the root's go.mod in other letters, as in GO.MOD                  |
 * | `gomod_place`   | is a go.mod elsewhere than in the root of the zip                    |
 * | `collision`     | has the name of another, or one that differs in case only            |
 * | `gomod_size`    | is a go.mod larger than `MAX_GO_MOD`                                 |
 * | `license_size`  | is a LICENSE larger than `MAX_LICENSE`                               |
 * | `vendored`      | belongs to a vendored package (left out)                             |
 * | `vcs`           | is in a `.git` or similar directory (left out of directories)        |
 * | `nested_module` | belongs to a module of its own below the root (left out)             |
 * | `hg_archival`   | is the `.hg_archival.txt` that Mercurial adds (left out)             |
 * | `symlink`       | is a symbolic link (left out)                                        |
 * | `irregular`     | is a directory or no regular file (left out)                         |
 */
export type FileRule =
  | 'prefix'
  | 'unclean'
  | 'absolute'
  | 'name'
  | 'gomod_case'
  | 'gomod_place'
  | 'collision'
  | 'gomod_size'
  | 'license_size'
  | 'vendored'
  | 'vcs'
  | 'nested_module'
  | 'hg_archival'
  | 'symlink'
  | 'irregular'

/** A file, the rule that applies to it, and a phrase for people that follows the file's name and a colon. */
export interface FileProblem {
  readonly path: string
  readonly rule: FileRule
  readonly message: string
}

/** A rule that is broken and how, before it is known which name the file goes by. */
export type BrokenRule = Omit<FileProblem, 'path'>

/** Why `path`, relative to the root of the module, cannot be the path of a file in it; whether it is clean comes first. */
export function filePathProblem(path: string): BrokenRule | undefined {
  if (!isClean(path)) return { rule: 'unclean', message: 'its path has an empty, "." or ".." element' }
  if (path.startsWith('/')) return { rule: 'absolute', message: 'its path is not relative' }
  const problem = pathProblem('file', path)
  return problem === undefined ? undefined : { rule: 'name', message: `its path is not allowed: ${problem}` }
}

/** Whether Go's path.Clean would leave `path` as it is. */
export function isClean(path: string): boolean {
  if (!SUSPECT.test(path) || path === '.' || path === '/') return true
  const absolute = path.startsWith('/')
  let mayGoUp = !absolute
  for (const element of path.slice(absolute ? 1 : 0).split('/')) {
    if (element === '' || element === '.') return false
    if (element === '..' && !mayGoUp) return false
    mayGoUp &&= element === '..'
  }
  return true
}

/** An element that is empty, `.` or `..`. */
const SUSPECT = /(?:^|\/)\.{0,2}(?:\/|$)/

/** Whether `name`, the last element of a path, is go.mod in any letters. */
export function isGoMod(name: string): boolean {
  return name.length === 6 && name.toLowerCase() === 'go.mod'
}

/** Why a file in the root of a module is too large for what it is. Other files only share the limit of the zip. */
export function fileSizeProblem(path: string, size: number): BrokenRule | undefined {
  if (path === 'go.mod' && size > MAX_GO_MOD) {
    return { rule: 'gomod_size', message: `a go.mod has at most ${MAX_GO_MOD} bytes; this one has ${size}` }
  }
  if (path === 'LICENSE' && size > MAX_LICENSE) {
    return {
      rule: 'license_size',
      message: `a LICENSE has at most ${MAX_LICENSE} bytes; this one has ${size}`,
    }
  }
  return undefined
}

/** What a list of problems comes to, as one error: the first of them, and how many there are. */
export function problemsError(problems: readonly FileProblem[]): GomodError {
  const [first] = problems
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more such files)` : ''
  const tooLarge = first?.rule === 'gomod_size' || first?.rule === 'license_size'
  const message = `${shown(first?.path ?? '')}: ${first?.message}${more}`
  return new GomodError(tooLarge ? 'zip_too_large' : 'invalid_zip', message)
}
