/**
 * The syntax tree of a go.mod file: its lines and blocks with every comment, so that printing it loses nothing but
 * layout. A file is a list of statements; a statement is one line of tokens, a block of lines in parentheses, or
 * comments that belong to neither. Blocks do not nest.
 *
 * The tree is plain data. What reads and edits it may change the tokens and the lists, so nothing here is read-only
 * but positions.
 */
import { createLexer, type Token } from './lex.ts'
import { GoModError } from './problem.ts'

/** Where something begins: the line and the character in it, both from 1 on; zeros for what was not read. */
export interface Position {
  readonly line: number
  readonly column: number
}

export interface Comment {
  /** With its two slashes; `''` stands for a blank line to keep. */
  text: string
  readonly position: Position
}

/** Comments above a statement, a line each, and at its end. */
export interface Commented {
  before: Comment[]
  suffix: Comment[]
}

export interface Line extends Commented {
  readonly kind: 'line'
  readonly position: Position
  /** Within a block without the block's first word. */
  tokens: string[]
}

export interface Block extends Commented {
  readonly kind: 'block'
  readonly position: Position
  /** What stands before the opening parenthesis. */
  tokens: string[]
  /** Comments behind the opening parenthesis. */
  open: Pick<Commented, 'suffix'>
  lines: Line[]
  /** Comments above and behind the closing parenthesis. */
  close: Commented
}

/** Comments with a blank line after them. */
export interface CommentBlock extends Commented {
  readonly kind: 'comments'
  readonly position: Position
}

export type Statement = Line | Block | CommentBlock

export interface SyntaxTree {
  /** Comments at the very top that found no other place. */
  before: Comment[]
  statements: Statement[]
}

/**
 * The most tokens a file may have, counting line ends and comments. A file of 40,000 requirements has fewer, and
 * the tree of one with many more would take its reader's memory away.
 */
export const MAX_TOKENS = 200_000

/** The position of what was not read from a file. */
export const NOWHERE: Position = { line: 0, column: 0 }

/**
 * Reads the syntax of `text`, in time proportional to its length; `file` names it in errors. Throws GoModError with
 * the one problem that keeps it from being read on, which may be its size (MAX_TOKENS).
 */
export function parseSyntax(text: string, file: string): SyntaxTree {
  const tree: SyntaxTree = { before: [], statements: [] }
  const lex = createLexer(text, fail)
  let next = lex()
  let taken = 0
  /** Where the next comment at the end of a line goes: to the last thing before it that ends on the line it began. */
  let suffixes = tree.before

  function fail({ line, column }: Position, message: string): never {
    throw new GoModError(file, [{ line, column, message }])
  }

  function take(): Token {
    const token = next
    if (++taken > MAX_TOKENS) fail(token.position, `the file has more than ${MAX_TOKENS} words`)
    next = lex()
    return token
  }

  /** Takes the end of a line, with the comment that may be there. */
  function takeLineEnd(): void {
    const token = take()
    if (token.kind === 'suffix') suffixes.push(commentOf(token))
  }

  function parseFile(): SyntaxTree {
    let comments: CommentBlock | undefined
    for (;;) {
      if (next.kind === 'comment') {
        comments ??= { kind: 'comments', position: next.position, before: [], suffix: [] }
        comments.before.push(commentOf(take()))
        continue
      }
      if (next.kind === 'newline' || next.kind === 'end') {
        if (comments !== undefined) {
          tree.statements.push(comments)
          suffixes = comments.suffix
        }
        if (next.kind === 'end') return tree
        take()
      } else {
        tree.statements.push(parseStatement(comments?.before ?? []))
      }
      comments = undefined
    }
  }

  function parseStatement(before: Comment[]): Line | Block {
    const { position } = next
    const tokens: string[] = []
    while (!endsLine(next)) {
      const token = take()
      if (isPunctuation(token, '(') && tokens.length > 0) {
        if (endsLine(next)) return parseBlock(position, tokens, before)
        if (isPunctuation(next, ')')) {
          const close = take()
          if (endsLine(next)) return parseEmptyBlock(position, tokens, before)
          tokens.push(token.text, close.text)
          continue
        }
      }
      tokens.push(token.text)
    }
    return finishLine(position, tokens, before)
  }

  function parseEmptyBlock(position: Position, tokens: string[], before: Comment[]): Block {
    const block = newBlock(position, tokens, before)
    suffixes = onOneLine(tokens) ? block.suffix : block.close.suffix
    takeLineEnd()
    return block
  }

  function parseBlock(position: Position, tokens: string[], before: Comment[]): Block {
    const block = newBlock(position, tokens, before)
    suffixes = block.open.suffix
    takeLineEnd()
    let comments: Comment[] = []
    for (;;) {
      const last = comments.at(-1)
      if (next.kind === 'comment') {
        comments.push(commentOf(take()))
      } else if (next.kind === 'newline') {
        // Of blank lines in a row one is kept, and none at the start of the block.
        if (last === undefined ? block.lines.length > 0 : last.text !== '') comments.push({ ...BLANK })
        take()
      } else if (next.kind === 'end') {
        fail(position, 'the block has no closing parenthesis')
      } else if (isPunctuation(next, ')')) {
        take()
        block.close.before = comments.length === 1 && last?.text === '' ? [] : comments
        suffixes = block.close.suffix
        if (!endsLine(next)) fail(next.position, 'expected the end of the line after the closing parenthesis')
        takeLineEnd()
        return block
      } else {
        block.lines.push(parseBlockLine(comments))
        comments = []
      }
    }
  }

  function parseBlockLine(before: Comment[]): Line {
    const { position } = next
    const tokens: string[] = []
    while (!endsLine(next)) tokens.push(take().text)
    return finishLine(position, tokens, before)
  }

  function finishLine(position: Position, tokens: string[], before: Comment[]): Line {
    const line: Line = { kind: 'line', position, tokens, before, suffix: [] }
    if (onOneLine(tokens)) suffixes = line.suffix
    takeLineEnd()
    return line
  }

  return parseFile()
}

const BLANK: Comment = { text: '', position: NOWHERE }

function newBlock(position: Position, tokens: string[], before: Comment[]): Block {
  const open = { suffix: [] }
  const close = { before: [], suffix: [] }
  return { kind: 'block', position, tokens, before, suffix: [], open, lines: [], close }
}

/** Whether no string among the tokens runs over the end of its line, which only an escaped line end does. */
function onOneLine(tokens: readonly string[]): boolean {
  return !tokens.some((token) => token.startsWith('"') && token.includes('\n'))
}

function commentOf({ text, position }: Token): Comment {
  return { text, position }
}

function endsLine({ kind }: Token): boolean {
  return kind === 'newline' || kind === 'suffix' || kind === 'end'
}

function isPunctuation({ kind, text }: Token, punctuation: string): boolean {
  return kind === 'punctuation' && text === punctuation
}
