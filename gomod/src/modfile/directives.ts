/** What each directive of a go.mod file takes, and what it says. */
import { GomodError } from '../error.ts'
import { checkPathMajor, splitPathVersion } from '../path.ts'
import { shown } from '../quote.ts'
import { canonicalVersion, type ModuleVersion } from '../version.ts'
import { directiveComment, deprecationOf, isIndirect } from './comments.ts'
import type { GoMod, ReplaceDirective, VersionInterval } from './file.ts'
import { autoQuote, unquote } from './quoting.ts'
import type { Block, Line, SyntaxTree } from './syntax.ts'

/** How directives are read. */
export interface ReadOptions {
  readonly mode: 'strict' | 'lax'
  /** Gives the canonical version for what stands in the file; throws GomodError for what is none. */
  readonly fixVersion: ((path: string, version: string) => string) | undefined
}

/** A GoMod in the making. */
export type Draft = { -readonly [K in keyof GoMod]: GoMod[K] extends readonly (infer T)[] ? T[] : GoMod[K] }

export function newDraft(syntax: SyntaxTree): Draft {
  return {
    module: undefined,
    go: undefined,
    toolchain: undefined,
    godebug: [],
    require: [],
    exclude: [],
    replace: [],
    retract: [],
    tool: [],
    ignore: [],
    syntax,
  }
}

/** A line that holds a directive, and the block it stands in. */
export interface Statement {
  readonly line: Line
  readonly block: Block | undefined
  /** What follows the directive's name. It is rewritten to the canonical form of each version and string. */
  readonly args: string[]
}

/** Adds what a directive says to the draft. Throws GomodError saying what is wrong with it. */
type Reader = (draft: Draft, statement: Statement, options: ReadOptions) => void

/** Adds the directive called `name` to the draft. Throws GomodError `invalid_gomod` or `invalid_version`. */
export function readDirective(name: string, draft: Draft, statement: Statement, options: ReadOptions): void {
  // What only the main module's go.mod may say has no meaning in another's, and newer forms of it must not hurt there.
  if (options.mode === 'lax' && !LAX.has(name)) return
  const reader = READERS.get(name)
  if (reader === undefined) throw invalid(`unknown directive ${shown(name)}`)
  reader(draft, statement, options)
}

/** Whether the directive may have its lines in a block. */
export function mayBeBlock(name: string): boolean {
  return READERS.has(name) && name !== 'go' && name !== 'toolchain'
}

const LAX = new Set(['go', 'module', 'retract', 'require', 'ignore'])

const READERS = new Map<string, Reader>([
  ['go', readGo],
  ['toolchain', readToolchain],
  ['module', readModule],
  ['godebug', readGodebug],
  ['require', readRequire],
  ['exclude', readExclude],
  ['replace', readReplace],
  ['retract', readRetract],
  ['tool', readTool],
  ['ignore', readIgnore],
])

const GO_VERSION = /^[1-9][0-9]*\.(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))?(?:[a-z]+[0-9]+)?$/
const LAX_GO_VERSION = /^v?([1-9][0-9]*\.(?:0|[1-9][0-9]*))[^0-9\n][^\n]*$/

/** Whether `version` can stand in a go directive, such as `1.24.3` or `1.24rc1`. */
export function isGoVersion(version: string): boolean {
  return GO_VERSION.test(version)
}

/** Whether `name` can stand in a toolchain directive, such as `go1.24.3` or `default`. */
export function isToolchainName(name: string): boolean {
  return name === 'default' || /^go1(?:$|\.)/.test(name)
}

/** Whether the path behind the arrow of a replace directive is that of a folder, on any system. */
export function isDirectoryPath(path: string): boolean {
  return /^(?:\.{0,2}[/\\]|\.{1,2}$|[A-Za-z]:)/.test(path)
}

function readGo(draft: Draft, { line, args }: Statement, { mode }: ReadOptions): void {
  if (draft.go !== undefined) throw invalid('a second go directive')
  const written = onlyArgument('go 1.24.0', args)
  const version = isGoVersion(written)
    ? written
    : mode === 'lax'
      ? LAX_GO_VERSION.exec(written)?.[1]
      : undefined
  if (version === undefined) throw invalid(`${shown(written)} is not a Go version such as 1.24.0`)
  args[0] = version
  draft.go = { version, position: line.position, syntax: line }
}

function readToolchain(draft: Draft, { line, args }: Statement): void {
  if (draft.toolchain !== undefined) throw invalid('a second toolchain directive')
  const name = onlyArgument('toolchain go1.24.0', args)
  if (!isToolchainName(name))
    throw invalid(`${shown(name)} is not a toolchain name such as go1.24.0 or default`)
  draft.toolchain = { name, position: line.position, syntax: line }
}

function readModule(draft: Draft, { line, block, args }: Statement): void {
  if (draft.module !== undefined) throw invalid('a second module directive')
  const module = { deprecated: deprecationOf(line, block), position: line.position, syntax: line }
  draft.module = { path: '', ...module }
  onlyArgument('module example.com/path', args)
  draft.module = { path: takeString(args, 0), ...module }
}

function readGodebug(draft: Draft, { line, args }: Statement): void {
  const usage = 'godebug key=value'
  const setting = onlyArgument(usage, args)
  const equals = setting.indexOf('=')
  if (equals < 0 || /["`',]/.test(setting)) throw invalid(`usage: ${usage}`)
  const key = setting.slice(0, equals)
  draft.godebug.push({ key, value: setting.slice(equals + 1), position: line.position, syntax: line })
}

function readRequire(draft: Draft, { line, args }: Statement, options: ReadOptions): void {
  const required = takeModuleVersion('require', args, options)
  draft.require.push({ ...required, indirect: isIndirect(line), position: line.position, syntax: line })
}

function readExclude(draft: Draft, { line, args }: Statement, options: ReadOptions): void {
  const excluded = takeModuleVersion('exclude', args, options)
  draft.exclude.push({ ...excluded, position: line.position, syntax: line })
}

function readReplace(draft: Draft, { line, args }: Statement, options: ReadOptions): void {
  draft.replace.push({ ...takeReplacement(args, options), position: line.position, syntax: line })
}

function readTool(draft: Draft, { line, args }: Statement): void {
  onlyArgument('tool example.com/path/cmd', args)
  draft.tool.push({ path: takeString(args, 0), position: line.position, syntax: line })
}

function readIgnore(draft: Draft, { line, args }: Statement): void {
  onlyArgument('ignore ./folder', args)
  draft.ignore.push({ path: takeString(args, 0), position: line.position, syntax: line })
}

function readRetract(draft: Draft, { line, block, args }: Statement, { mode }: ReadOptions): void {
  const interval = takeInterval(args, (version) => version)
  if (typeof interval === 'string') {
    // Of a dependency, a form of retraction that only a newer go knows is no reason to reject its go.mod.
    if (mode === 'lax') return
    throw invalid(interval)
  }
  const { length, low, high } = interval
  if (args.length > length && mode === 'strict')
    throw invalid(`unexpected ${shown(args[length]!)} after the version`)
  draft.retract.push({
    low,
    high,
    rationale: directiveComment(line, block),
    position: line.position,
    syntax: line,
  })
}

/** Makes the versions of a retract directive canonical, for which the module path has to be known. */
export function fixInterval(
  args: string[],
  path: string,
  fixVersion: NonNullable<ReadOptions['fixVersion']>,
): VersionInterval {
  const interval = takeInterval(args, (version) => fixVersion(path, version))
  if (typeof interval === 'string') throw invalid(interval)
  return { low: interval.low, high: interval.high }
}

/** Reads `v1.2.3` or `[ v1.2.3 , v1.2.9 ]`: the interval and the number of tokens it has, or what is wrong. */
function takeInterval(
  args: string[],
  fix: (version: string) => string,
): (VersionInterval & { readonly length: number }) | string {
  const bracketed = args[0] === '['
  if (args.length === 0 || args[0] === '(') return 'expected a version or [low, high]'
  if (bracketed && (args.length < 5 || args[2] !== ',' || args[4] !== ']'))
    return 'expected [low, high] after retract'
  const [lowAt, highAt] = bracketed ? [1, 3] : [0, 0]
  const low = readString(args[lowAt]!)
  const high = readString(args[highAt]!)
  if (low === undefined || high === undefined) return 'a version is badly quoted'
  args[lowAt] = fix(low)
  args[highAt] = bracketed ? fix(high) : args[lowAt]
  return { low: args[lowAt], high: args[highAt], length: bracketed ? 5 : 1 }
}

function takeModuleVersion(name: string, args: string[], options: ReadOptions): ModuleVersion {
  if (args.length !== 2) throw invalid(`usage: ${name} example.com/path v1.2.3`)
  const path = takeString(args, 0)
  const version = takeVersion(args, 1, path, options)
  checkMajor(path, version)
  return { path, version }
}

function takeReplacement(args: string[], options: ReadOptions): Pick<ReplaceDirective, 'old' | 'new'> {
  const arrow = args[1] === '=>' ? 1 : 2
  if (args.length < arrow + 2 || args.length > arrow + 3 || args[arrow] !== '=>') {
    throw invalid('usage: replace example.com/path [v1.2.3] => example.com/other v1.4.0, or => ../folder')
  }
  const path = takeString(args, 0)
  checkMajor(path, undefined)
  const version = arrow === 2 ? takeVersion(args, 1, path, options) : ''
  if (arrow === 2) checkMajor(path, version)
  const newPath = takeString(args, arrow + 1)
  const old = { path, version }
  if (args.length === arrow + 2) {
    checkReplacementFolder(newPath)
    return { old, new: { path: newPath, version: '' } }
  }
  const newVersion = takeVersion(args, arrow + 2, newPath, options)
  if (isDirectoryPath(newPath)) throw invalid(`the folder ${shown(newPath)} cannot have a version`)
  return { old, new: { path: newPath, version: newVersion } }
}

function checkReplacementFolder(path: string): void {
  if (!isDirectoryPath(path)) {
    if (path.includes('@'))
      throw invalid(`write the replacement ${shown(path)} as path and version, with a space and no @`)
    throw invalid(
      `the replacement ${shown(path)} needs a version, or to start with / or ./ or ../ if it is a folder`,
    )
  }
  if (path.includes('\\')) throw invalid(`the folder ${shown(path)} is written for Windows: use slashes`)
}

function checkMajor(path: string, version: string | undefined): void {
  const split = splitPathVersion(path)
  if (split === undefined)
    throw invalid(`${shown(path)} is not a module path: its major version suffix is malformed`)
  if (version === undefined) return
  try {
    checkPathMajor(version, split.pathMajor)
  } catch (error) {
    if (error instanceof GomodError) throw invalid(`${shown(path)}: ${error.message}`)
    throw error
  }
}

function takeVersion(args: string[], i: number, path: string, { fixVersion }: ReadOptions): string {
  const written = takeString(args, i)
  const version = fixVersion === undefined ? canonicalVersion(written) : fixVersion(path, written)
  if (version === '') throw invalid(`${shown(path)}: ${shown(written)} is not a version such as v1.2.3`)
  args[i] = version
  return version
}

/** The text of the token, which is rewritten to its shortest form. */
function takeString(args: string[], i: number): string {
  const text = readString(args[i]!)
  if (text === undefined)
    throw invalid(`${shown(args[i]!)} is badly quoted: use double quotes, and Go's escapes in them`)
  args[i] = autoQuote(text)
  return text
}

/** Quotes other than double ones around the whole are refused, so that they may come to mean something. */
function readString(token: string): string | undefined {
  if (token.startsWith('"')) return unquote(token)
  return /["'`]/.test(token) ? undefined : token
}

function onlyArgument(usage: string, args: readonly string[]): string {
  if (args.length !== 1) throw invalid(`usage: ${usage}`)
  return args[0]!
}

function invalid(message: string): GomodError {
  return new GomodError('invalid_gomod', message)
}
