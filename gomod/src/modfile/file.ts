/** What a go.mod file says. Versions are canonical, and paths are as they stand there, not checked. */
import type { ModuleVersion } from '../version.ts'
import type { Line, Position, SyntaxTree } from './syntax.ts'

/** What every directive has: its line in the syntax tree, and where that begins. */
export interface Directive {
  readonly position: Position
  readonly syntax: Line
}

/** A parsed go.mod file. `formatGoMod` prints it, and the functions of edit.ts make an edited one of it. */
export interface GoMod {
  readonly module: ModuleDirective | undefined
  readonly go: GoDirective | undefined
  readonly toolchain: ToolchainDirective | undefined
  readonly godebug: readonly GodebugDirective[]
  readonly require: readonly RequireDirective[]
  readonly exclude: readonly ExcludeDirective[]
  readonly replace: readonly ReplaceDirective[]
  readonly retract: readonly RetractDirective[]
  readonly tool: readonly ToolDirective[]
  readonly ignore: readonly IgnoreDirective[]
  readonly syntax: SyntaxTree
}

export interface ModuleDirective extends Directive {
  readonly path: string
  /** The text after `Deprecated:` in the comments of the directive, up to the next blank line; `''` if there is none. */
  readonly deprecated: string
}

export interface GoDirective extends Directive {
  /** Such as `1.24` or `1.24.3`. */
  readonly version: string
}

export interface ToolchainDirective extends Directive {
  /** Such as `go1.24.3`, or `default`. */
  readonly name: string
}

export interface GodebugDirective extends Directive {
  readonly key: string
  readonly value: string
}

export interface RequireDirective extends Directive, ModuleVersion {
  /** Whether the line has an `// indirect` comment. */
  readonly indirect: boolean
}

export interface ExcludeDirective extends Directive, ModuleVersion {}

export interface ReplaceDirective extends Directive {
  /** With the version `''` every version of the module is replaced. */
  readonly old: ModuleVersion
  /** With the version `''` the path is that of a folder, relative to the go.mod file. */
  readonly new: ModuleVersion
}

/** Versions that should not be used: those from `low` to `high`, both included; for a single version both are it. */
export interface VersionInterval {
  readonly low: string
  readonly high: string
}

/** Without a `fixVersion` the two versions are as they stand in the file, canonical or not, as with `go mod edit`. */
export interface RetractDirective extends Directive, VersionInterval {
  /** The comments of the directive, one a line without their slashes; `''` if there are none. */
  readonly rationale: string
}

export interface ToolDirective extends Directive {
  /** The path of a package. */
  readonly path: string
}

export interface IgnoreDirective extends Directive {
  /** The path of a folder. */
  readonly path: string
}
