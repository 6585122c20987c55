/**
 * The tokens of a go.mod file. Words are runs of visible characters without spaces, brackets and commas; strings
 * stand in double quotes or backquotes on one line; each bracket and comma is a token; a comment runs from `//` to
 * the end of its line.
 */
import { isVisible, shown } from '../quote.ts'
import type { Position } from './syntax.ts'

export interface Token {
  readonly kind: TokenKind
  /** As it stands in the file; a comment without its line end. */
  readonly text: string
  readonly position: Position
}

/**
 * A comment that has its line to itself is a `comment`, any other a `suffix`; both take the end of their line with
 * them. Punctuation is one of `()[]{},`.
 */
export type TokenKind = 'word' | 'string' | 'punctuation' | 'newline' | 'comment' | 'suffix' | 'end'

/** Called where the text cannot be read; it throws. */
export type Fail = (position: Position, message: string) => never

/** A function that gives the next token of `text` each time, and at its end the `end` token for ever. */
export function createLexer(text: string, fail: Fail): () => Token {
  const hasSurrogates = /[\ud800-\udbff]/.test(text)
  let offset = 0
  let line = 1
  let lineStart = 0
  /** Characters of the current line so far that are two units long. */
  let wide = 0
  /** Whether anything but space is on the current line so far. */
  let occupied = false

  function here(): Position {
    return { line, column: offset - lineStart - wide + 1 }
  }

  function advance(end: number): void {
    if (hasSurrogates) {
      for (let i = offset; i < end; i++) if (isHighSurrogate(text.charCodeAt(i))) wide++
    }
    offset = end
  }

  /** Moves behind the line end that stands at `offset`. */
  function startLine(): void {
    offset++
    line++
    lineStart = offset
    wide = 0
  }

  function token(kind: TokenKind, end: number): Token {
    const result = { kind, text: text.slice(offset, end), position: here() }
    advance(end)
    occupied = true
    return result
  }

  function comment(): Token {
    const lineEnd = text.indexOf('\n', offset)
    const end = lineEnd < 0 ? text.length : lineEnd
    const crlf = lineEnd > 0 && text.charCodeAt(end - 1) === CARRIAGE_RETURN
    const result = token(occupied ? 'suffix' : 'comment', crlf ? end - 1 : end)
    offset = end
    if (lineEnd >= 0) startLine()
    occupied = false
    return result
  }

  function newline(): Token {
    const result = token('newline', offset)
    startLine()
    occupied = false
    return result
  }

  function string(quote: number): Token {
    const position = here()
    const start = offset
    advance(offset + 1)
    for (;;) {
      const c = text.charCodeAt(offset)
      if (offset >= text.length) fail(position, 'the string has no end')
      if (c === NEWLINE) fail(here(), 'the string does not end on its line')
      advance(offset + 1)
      if (c === quote) break
      if (c !== BACKSLASH || quote === BACKQUOTE) continue
      // Whatever is escaped belongs to the string, even a line end, which is found wrong where the string is read.
      if (offset >= text.length) fail(position, 'the string has no end')
      if (text.charCodeAt(offset) === NEWLINE) startLine()
      else advance(offset + 1)
    }
    occupied = true
    return { kind: 'string', text: text.slice(start, offset), position }
  }

  function word(): Token {
    let end = offset
    for (;;) {
      const point = text.codePointAt(end)
      if (point === undefined || !isWordCharacter(point)) break
      if (point === SLASH) {
        const next = text.charCodeAt(end + 1)
        if (next === SLASH) break
        if (next === STAR) {
          advance(end)
          fail(here(), NO_BLOCK_COMMENTS)
        }
      }
      end += point > 0xffff ? 2 : 1
    }
    if (end === offset)
      fail(here(), `unexpected character ${shown(String.fromCodePoint(text.codePointAt(end)!))}`)
    return token('word', end)
  }

  return function next(): Token {
    while (isBlank(text.charCodeAt(offset))) offset++
    const c = text.charCodeAt(offset)
    if (offset >= text.length) return token('end', offset)
    if (c === NEWLINE) return newline()
    if (c === SLASH && text.charCodeAt(offset + 1) === SLASH) return comment()
    if (c === SLASH && text.charCodeAt(offset + 1) === STAR) fail(here(), NO_BLOCK_COMMENTS)
    if (PUNCTUATION.includes(text[offset]!)) return token('punctuation', offset + 1)
    return c === QUOTE || c === BACKQUOTE ? string(c) : word()
  }
}

const NO_BLOCK_COMMENTS = 'a go.mod file has no /* */ comments: write // before each line'

const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d
const QUOTE = 0x22
const STAR = 0x2a
const SLASH = 0x2f
const BACKSLASH = 0x5c
const BACKQUOTE = 0x60

function isBlank(c: number): boolean {
  return c === 0x20 || c === 0x09 || c === CARRIAGE_RETURN
}

const PUNCTUATION = '()[]{},'

/** For each ASCII character whether it may be in a word. */
const WORD = Array.from(
  { length: 0x80 },
  (_, c) => c > 0x20 && c < 0x7f && !PUNCTUATION.includes(String.fromCharCode(c)),
)

function isWordCharacter(point: number): boolean {
  return point < 0x80 ? WORD[point]! : isVisible(String.fromCodePoint(point))
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
