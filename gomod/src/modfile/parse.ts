/** Reading a go.mod file. The rules are those of golang.org/x/mod/modfile. */
import { GomodError } from '../error.ts'
import {
  type Draft,
  fixInterval,
  mayBeBlock,
  newDraft,
  readDirective,
  type ReadOptions,
} from './directives.ts'
import type { GoMod } from './file.ts'
import { GoModError, type GoModProblem, MAX_PROBLEMS } from './problem.ts'
import { type Block, type Line, parseSyntax, type Position, type SyntaxTree } from './syntax.ts'

/** How `parseGoMod` reads. */
export interface ParseOptions {
  /** The name of the file in errors, `go.mod` if absent. */
  readonly file?: string

  /**
   * `strict`, which is what it is if absent, is for the go.mod file of the module one works on: everything has to be
   * known and well-formed. `lax` is for those of dependencies: directives that matter only to the main module
   * (replace, exclude, tool, …) and unknown ones are passed over, and so are retractions of an unknown form.
   */
  readonly mode?: 'strict' | 'lax'

  /**
   * Gives the canonical version for a module path and what stands in the file, which may be a branch; it throws
   * GomodError for what is none. If absent, what `canonicalVersion` refuses is an error, but in retract directives
   * versions are left as they are.
   */
  readonly fixVersion?: (path: string, version: string) => string
}

/**
 * Reads a go.mod file, in time proportional to its length. Throws GoModError (a GomodError `invalid_gomod`) with
 * every problem found, each with its line and column.
 */
export function parseGoMod(text: string, options: ParseOptions = {}): GoMod {
  const file = options.file ?? 'go.mod'
  return readSyntax(parseSyntax(text, file), options)
}

/** Reads what a syntax tree says, and rewrites its strings and versions to their canonical form. Throws GoModError. */
export function readSyntax(syntax: SyntaxTree, options: ParseOptions = {}): GoMod {
  const { file = 'go.mod', mode = 'strict', fixVersion } = options
  const draft = newDraft(syntax)
  const problems = new Problems()
  for (const statement of syntax.statements) {
    if (problems.full) break
    if (statement.kind === 'line') readLine(draft, statement, undefined, { mode, fixVersion }, problems)
    else if (statement.kind === 'block') readBlock(draft, statement, { mode, fixVersion }, problems)
  }
  if (fixVersion !== undefined) fixRetractions(draft, fixVersion, problems)
  if (problems.list.length > 0) throw new GoModError(file, problems.list)
  return draft
}

class Problems {
  readonly list: GoModProblem[] = []

  get full(): boolean {
    return this.list.length >= MAX_PROBLEMS
  }

  add({ line, column }: Position, message: string): void {
    if (!this.full) this.list.push({ line, column, message })
  }

  /** Runs what may throw a GomodError, and notes it as a problem at `position`. */
  collect(position: Position, run: () => void): void {
    try {
      run()
    } catch (error) {
      if (!(error instanceof GomodError)) throw error
      this.add(position, error.message)
    }
  }
}

function readBlock(draft: Draft, block: Block, options: ReadOptions, problems: Problems): void {
  const [name, ...more] = block.tokens
  if (name === undefined || more.length > 0 || !mayBeBlock(name)) {
    if (options.mode === 'strict')
      problems.add(block.position, `unknown block ${block.tokens.join(' ').slice(0, 100)}`)
    return
  }
  for (const line of block.lines) {
    if (problems.full) return
    readLine(draft, line, block, options, problems)
  }
}

function readLine(
  draft: Draft,
  line: Line,
  block: Block | undefined,
  options: ReadOptions,
  problems: Problems,
): void {
  const name = (block ?? line).tokens[0]!
  withArguments(line, block === undefined ? 1 : 0, (args) => {
    problems.collect(line.position, () => readDirective(name, draft, { line, block, args }, options))
  })
}

/** Runs with the tokens of a line from `start` on, and takes over what is changed in them. */
function withArguments(line: Line, start: number, run: (args: string[]) => void): void {
  const args = line.tokens.slice(start)
  run(args)
  for (const [i, arg] of args.entries()) line.tokens[start + i] = arg
}

/** The module directive may be the last one, so retractions are made canonical when all is read. */
function fixRetractions(
  draft: Draft,
  fixVersion: NonNullable<ParseOptions['fixVersion']>,
  problems: Problems,
): void {
  const path = draft.module?.path ?? ''
  const first = draft.retract[0]
  if (path === '' && first !== undefined) {
    return problems.add(first.position, 'a retract directive needs a module directive')
  }
  draft.retract = draft.retract.map((retract) => {
    const line = retract.syntax
    let fixed = retract
    withArguments(line, line.tokens[0] === 'retract' ? 1 : 0, (args) => {
      problems.collect(line.position, () => {
        fixed = { ...retract, ...fixInterval(args, path, fixVersion) }
      })
    })
    return fixed
  })
}
