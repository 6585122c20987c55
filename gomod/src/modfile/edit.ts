/**
 * Editing a go.mod file without losing its comments: each function takes a GoMod that was parsed in strict mode and
 * gives a new one, whose new lines have the position NOWHERE. `formatGoMod` then prints what `go mod edit` would.
 * All throw GomodError `invalid_gomod` or `invalid_version` for what cannot stand in the file.
 */
import { GomodError } from '../error.ts'
import { checkPathMajor, splitPathVersion } from '../path.ts'
import { shown } from '../quote.ts'
import { canonicalVersion, type ModuleVersion } from '../version.ts'
import { isGoVersion, isToolchainName } from './directives.ts'
import type { Directive, GoMod, VersionInterval } from './file.ts'
import { readSyntax } from './parse.ts'
import { autoQuote } from './quoting.ts'
import { type Line, NOWHERE, type SyntaxTree } from './syntax.ts'
import { addLine, removeLines, updateLine } from './tree.ts'

/** Sets the path of the module. */
export function setModule(mod: GoMod, path: string): GoMod {
  return change(mod, (copy, tree) => set(tree, copy.module, undefined, ['module', autoQuote(path)]))
}

/** Sets the go directive, such as `1.24.0`. */
export function setGo(mod: GoMod, version: string): GoMod {
  if (!isGoVersion(version)) throw invalid(`${shown(version)} is not a Go version such as 1.24.0`)
  return change(mod, (copy, tree) => set(tree, copy.go, copy.module?.syntax, ['go', version]))
}

/** Removes the go directive. */
export function dropGo(mod: GoMod): GoMod {
  return drop(mod, ({ go }) => (go === undefined ? [] : [go]))
}

/** Sets the toolchain directive, such as `go1.24.3`. */
export function setToolchain(mod: GoMod, name: string): GoMod {
  if (!isToolchainName(name))
    throw invalid(`${shown(name)} is not a toolchain name such as go1.24.0 or default`)
  return change(mod, (copy, tree) => {
    set(tree, copy.toolchain, copy.go?.syntax ?? copy.module?.syntax, ['toolchain', autoQuote(name)])
  })
}

/** Removes the toolchain directive. */
export function dropToolchain(mod: GoMod): GoMod {
  return drop(mod, ({ toolchain }) => (toolchain === undefined ? [] : [toolchain]))
}

/** Sets a godebug setting, and removes further lines for the same key. */
export function setGodebug(mod: GoMod, key: string, value: string): GoMod {
  return change(mod, (copy, tree) => {
    const lines = copy.godebug.filter((setting) => setting.key === key)
    setFirst(tree, lines, undefined, ['godebug', autoQuote(`${key}=${value}`)])
  })
}

/** Removes a godebug setting. */
export function dropGodebug(mod: GoMod, key: string): GoMod {
  return drop(mod, ({ godebug }) => godebug.filter((setting) => setting.key === key))
}

/**
 * Requires a version of a module, in place of the one that is required now; further lines for the module are
 * removed. A new requirement goes to the last block. See edit-require.ts for `// indirect` and whole lists.
 */
export function setRequire(mod: GoMod, path: string, version: string): GoMod {
  return change(mod, (copy, tree) => {
    const lines = copy.require.filter((required) => required.path === path)
    setFirst(tree, lines, undefined, ['require', autoQuote(path), autoQuote(version)])
  })
}

/** Removes every requirement of a module. */
export function dropRequire(mod: GoMod, path: string): GoMod {
  return drop(mod, ({ require }) => require.filter((required) => required.path === path))
}

/**
 * Excludes a version, which has to be canonical and fit the path. It goes behind the last one of the same module, and
 * without one to the end of the file.
 */
export function addExclude(mod: GoMod, path: string, version: string): GoMod {
  checkCanonical(path, version)
  if (mod.exclude.some((excluded) => excluded.path === path && excluded.version === version)) return mod
  return change(mod, (copy, tree) => {
    const hint = copy.exclude.findLast((excluded) => excluded.path === path)
    addLine(tree, hint?.syntax ?? 'end', ['exclude', autoQuote(path), version])
  })
}

/** Excludes a version no longer. */
export function dropExclude(mod: GoMod, path: string, version: string): GoMod {
  return drop(mod, ({ exclude }) => exclude.filter((line) => line.path === path && line.version === version))
}

/**
 * Replaces `old`, with the version `''` every version of it, by `by`: a module version, or with the version `''` a
 * folder. Other replacements for the same are removed; for every version, those for single versions too.
 * It goes behind the last one of the same module, and without one to the end of the file.
 */
export function setReplace(mod: GoMod, old: ModuleVersion, by: ModuleVersion): GoMod {
  return change(mod, (copy, tree) => {
    const ofModule = copy.replace.filter((line) => line.old.path === old.path)
    const same = ofModule.filter((line) => old.version === '' || line.old.version === old.version)
    const arrow = [...moduleTokens(old), '=>', ...moduleTokens(by)]
    setFirst(tree, same, ofModule.at(-1)?.syntax ?? 'end', ['replace', ...arrow])
  })
}

/** Removes the replacement of exactly `old`. */
export function dropReplace(mod: GoMod, old: ModuleVersion): GoMod {
  return drop(mod, ({ replace }) => {
    return replace.filter((line) => line.old.path === old.path && line.old.version === old.version)
  })
}

/** Retracts the versions of an interval, which have to be canonical and fit the path of the module. */
export function addRetract(mod: GoMod, interval: VersionInterval, rationale: string): GoMod {
  const { low, high } = interval
  for (const version of [low, high]) checkCanonical(mod.module?.path ?? '', version)
  return change(mod, (_, tree) => {
    const line = addLine(
      tree,
      undefined,
      low === high ? ['retract', low] : ['retract', '[', low, ',', high, ']'],
    )
    if (rationale !== '')
      line.before = rationale.split('\n').map((text) => ({ text: `// ${text}`, position: NOWHERE }))
  })
}

/** Removes the retractions of exactly this interval. */
export function dropRetract(mod: GoMod, { low, high }: VersionInterval): GoMod {
  return drop(mod, ({ retract }) => retract.filter((line) => line.low === low && line.high === high))
}

/** Adds the package of a tool. */
export function addTool(mod: GoMod, path: string): GoMod {
  if (mod.tool.some((tool) => tool.path === path)) return mod
  return change(mod, (_, tree) => addLine(tree, undefined, ['tool', autoQuote(path)]))
}

/** Removes the package of a tool. */
export function dropTool(mod: GoMod, path: string): GoMod {
  return drop(mod, ({ tool }) => tool.filter((line) => line.path === path))
}

/** Adds a folder to ignore. */
export function addIgnore(mod: GoMod, path: string): GoMod {
  if (mod.ignore.some((ignored) => ignored.path === path)) return mod
  return change(mod, (_, tree) => addLine(tree, undefined, ['ignore', autoQuote(path)]))
}

/** Ignores a folder no longer. */
export function dropIgnore(mod: GoMod, path: string): GoMod {
  return drop(mod, ({ ignore }) => ignore.filter((line) => line.path === path))
}

/** A GoMod after a change to a copy of it: `edit` gets the copy, and the tree that the copy's directives stand in. */
export function change(mod: GoMod, edit: (copy: GoMod, tree: SyntaxTree) => void): GoMod {
  const copy = structuredClone(mod)
  edit(copy, copy.syntax)
  return readSyntax(copy.syntax)
}

function drop(mod: GoMod, choose: (mod: GoMod) => readonly Directive[]): GoMod {
  if (choose(mod).length === 0) return mod
  return change(mod, (copy, tree) => removeLines(tree, linesOf(choose(copy))))
}

function set(
  tree: SyntaxTree,
  now: Directive | undefined,
  hint: Line | 'end' | undefined,
  tokens: [string, ...string[]],
): void {
  if (now === undefined) addLine(tree, hint, tokens)
  else updateLine(tree, now.syntax, tokens)
}

/** Sets the first of some lines that say the same and removes the others; adds the line if there is none. */
function setFirst(
  tree: SyntaxTree,
  lines: readonly Directive[],
  hint: Line | 'end' | undefined,
  tokens: [string, ...string[]],
): void {
  set(tree, lines[0], hint, tokens)
  removeLines(tree, linesOf(lines.slice(1)))
}

function linesOf(directives: readonly Directive[]): Set<Line> {
  return new Set(directives.map((directive) => directive.syntax))
}

function moduleTokens({ path, version }: ModuleVersion): string[] {
  return version === '' ? [autoQuote(path)] : [autoQuote(path), autoQuote(version)]
}

/** Throws unless `version` is canonical and fits `path`, as far as that has a proper major version suffix. */
function checkCanonical(path: string, version: string): void {
  if (version === '' || version !== canonicalVersion(version)) {
    throw new GomodError('invalid_version', `${shown(version)} is not a canonical version such as v1.2.3`)
  }
  const split = splitPathVersion(path)
  if (split !== undefined) checkPathMajor(version, split.pathMajor)
}

function invalid(message: string): GomodError {
  return new GomodError('invalid_gomod', message)
}
