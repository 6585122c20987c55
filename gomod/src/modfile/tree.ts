/** Changing the lines of a syntax tree. Empty blocks and blocks of one line may remain: `tidySyntax` sees to them. */
import { type Block, type Line, NOWHERE, type SyntaxTree } from './syntax.ts'

/**
 * Adds a line. It goes to the block of `hint`, behind it, if that begins with the same word, and makes a block of
 * the two if there is none; behind the statement of `hint` otherwise. Without a hint it goes to the last block or
 * line that begins with the same word, or to the end of the file, where the hint `end` sends it in any case.
 */
export function addLine(
  tree: SyntaxTree,
  hint: Line | 'end' | undefined,
  tokens: readonly [string, ...string[]],
): Line {
  const near = tree.statements.findLastIndex((statement) => {
    if (hint === undefined) return statement.kind !== 'comments' && statement.tokens[0] === tokens[0]
    return (
      statement === hint || (statement.kind === 'block' && hint !== 'end' && statement.lines.includes(hint))
    )
  })
  const statement = tree.statements[near]
  const line = newLine([...tokens])
  if (statement === undefined) {
    tree.statements.push(line)
  } else if (statement.kind === 'comments' || statement.tokens[0] !== tokens[0]) {
    tree.statements.splice(near + 1, 0, line)
  } else {
    const block = statement.kind === 'block' ? statement : makeBlock(statement)
    tree.statements[near] = block
    line.tokens.shift()
    const behind = block.lines.findIndex((other) => other === hint)
    block.lines.splice(behind < 0 ? block.lines.length : behind + 1, 0, line)
  }
  return line
}

/** Gives a line other tokens, the first of which is the directive, wherever the line stands. Comments stay. */
export function updateLine(tree: SyntaxTree, line: Line, tokens: readonly [string, ...string[]]): void {
  line.tokens = isInBlock(tree, line) ? tokens.slice(1) : [...tokens]
}

/** Removes lines with their comments. */
export function removeLines(tree: SyntaxTree, lines: ReadonlySet<Line>): void {
  tree.statements = tree.statements.filter((statement) => statement.kind !== 'line' || !lines.has(statement))
  for (const statement of tree.statements) {
    if (statement.kind === 'block') statement.lines = statement.lines.filter((line) => !lines.has(line))
  }
}

export function isInBlock(tree: SyntaxTree, line: Line): boolean {
  return !tree.statements.includes(line)
}

/** A block with the first word of a line, and that line, comments and all, as the only one in it. */
export function makeBlock(line: Line): Block {
  const [word, ...rest] = line.tokens
  line.tokens = rest
  return newBlock(word!, [line])
}

export function newBlock(word: string, lines: Line[]): Block {
  const open = { suffix: [] }
  const close = { before: [], suffix: [] }
  return { kind: 'block', position: NOWHERE, tokens: [word], before: [], suffix: [], open, lines, close }
}

export function newLine(tokens: string[]): Line {
  return { kind: 'line', position: NOWHERE, tokens, before: [], suffix: [] }
}
