/** Printing go.mod files in the one style that `go mod edit -fmt` has. */
import type { GoMod } from './file.ts'
import { trimSpace } from './space.ts'
import type { Block, Comment, Statement, SyntaxTree } from './syntax.ts'
import { tidySyntax } from './tidy.ts'

/**
 * The text of a go.mod file as `go mod edit -fmt` writes it: blocks are sorted, duplicates and empty blocks dropped,
 * a block of one line becomes that line. What it was parsed from is not changed.
 */
export function formatGoMod(mod: GoMod): string {
  return printSyntax(tidySyntax(mod))
}

/** The text of a syntax tree as it is, in standard layout. */
export function printSyntax(tree: SyntaxTree): string {
  const printer = new Printer()
  printer.comments(tree.before)
  for (const [i, statement] of tree.statements.entries()) {
    printer.statement(statement)
    if (statement.kind !== 'comments') printer.newline()
    if (i + 1 < tree.statements.length) printer.newline()
  }
  return printer.finish()
}

class Printer {
  readonly #lines: string[] = []
  #line = ''
  #margin = ''
  /** Comments that wait for the end of the line. */
  #suffixes: Comment[] = []

  statement(statement: Statement): void {
    this.#before(statement.before)
    if (statement.kind === 'line') this.#line += joinTokens(statement.tokens)
    else if (statement.kind === 'block') this.#block(statement)
    this.#suffixes = this.#suffixes.concat(statement.suffix)
  }

  comments(comments: readonly Comment[]): void {
    for (const { text } of comments) {
      this.#line += trimSpace(text)
      this.newline()
    }
  }

  /** Ends the line with the comments that wait for it, unless it is blank and follows a blank one or none. */
  newline(): void {
    for (const [i, { text }] of this.#suffixes.entries()) {
      if (i > 0) this.#endLine()
      this.#line += (i > 0 ? this.#margin : ' ') + trimSpace(text)
    }
    this.#suffixes = []
    this.#line = trimEnd(this.#line)
    const afterBlank = this.#lines.length === 0 || (this.#lines.length > 1 && this.#lines.at(-1) === '')
    if (this.#line !== '' || !afterBlank) this.#endLine()
    this.#line = this.#margin
  }

  finish(): string {
    const last = this.#lines.findLastIndex((line) => line !== '')
    return this.#lines
      .slice(0, last + 1)
      .map((line) => `${line}\n`)
      .join('')
  }

  #block({ tokens, open, lines, close }: Block): void {
    this.#line += `${joinTokens(tokens)} (`
    this.#suffixes = this.#suffixes.concat(open.suffix)
    this.#margin = '\t'
    for (const line of lines) {
      this.newline()
      this.statement(line)
    }
    this.#margin = ''
    this.newline()
    this.#before(close.before)
    this.#line += ')'
    this.#suffixes = this.#suffixes.concat(close.suffix)
  }

  /** Comments have lines of their own. */
  #before(comments: readonly Comment[]): void {
    if (comments.length === 0) return
    if (trimEnd(this.#line) !== '') this.#endLine()
    this.#line = this.#margin
    this.comments(comments)
  }

  #endLine(): void {
    this.#lines.push(trimEnd(this.#line))
    this.#line = ''
  }
}

/** Tokens with a space between them, but none behind an opening bracket or before a closing one or a comma. */
function joinTokens(tokens: readonly string[]): string {
  let text = ''
  let glued = true
  for (const token of tokens) {
    text += glued || /^[,)\]}]$/.test(token) ? token : ` ${token}`
    glued = /^[([{]$/.test(token)
  }
  return text
}

/** Without spaces and tabs at the end. */
function trimEnd(line: string): string {
  let end = line.length
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end--
  return line.slice(0, end)
}
