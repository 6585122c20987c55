/** How text stands in a go.mod file: as it is where it can be one word, else as a Go string literal. */
import { isVisible, quote } from '../quote.ts'

/** Whether `text` can only stand quoted as one token of a line. */
export function mustQuote(text: string): boolean {
  if (text === '' || text.includes('//') || text.includes('/*')) return true
  if (/^[()[\]{},]$/.test(text)) return false
  for (const character of text) {
    if (' "\'`()[]{},'.includes(character) || !isVisible(character)) return true
  }
  return false
}

/** `text` as one token of a line: quoted if it must be. */
export function autoQuote(text: string): string {
  return mustQuote(text) ? quote(text) : text
}

/** The text of a Go string literal in double quotes or backquotes; `undefined` if it is malformed. */
export function unquote(literal: string): string | undefined {
  const mark = literal[0]
  const body = literal.slice(1, -1)
  if (literal.length < 2 || literal.at(-1) !== mark) return undefined
  if (mark === '`') return body.includes('`') ? undefined : body.replaceAll('\r', '')
  if (mark !== '"' || body.includes('\n')) return undefined
  return body.includes('\\') || body.includes('"') ? unescape(body) : body
}

function unescape(body: string): string | undefined {
  let text = ''
  /** Escapes by number stand for bytes, which together have to be read as UTF-8. */
  let bytes: number[] = []
  for (let i = 0; i < body.length;) {
    const backslash = body.indexOf('\\', i)
    const end = backslash < 0 ? body.length : backslash
    const plain = body.slice(i, end)
    if (plain.includes('"')) return undefined
    ESCAPE.lastIndex = end
    const escape = ESCAPE.exec(body)?.[0]
    if (escape === undefined && backslash >= 0) return undefined
    const value = escape === undefined ? '' : unescapeOne(escape)
    if (value === undefined) return undefined
    if (plain !== '' || typeof value === 'string') {
      text += decode(bytes) + plain
      bytes = []
    }
    if (typeof value === 'string') text += value
    else bytes.push(value)
    i = end + (escape?.length ?? 0)
  }
  return text + decode(bytes)
}

const DECODER = new TextDecoder('utf-8', { ignoreBOM: true })

const ESCAPE = /\\(?:[abfnrtv\\"]|[0-7]{3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})/y

const NAMED = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['\\', '\\'],
  ['"', '"'],
])

/** The character or the byte that an escape stands for. */
function unescapeOne(escape: string): string | number | undefined {
  const kind = escape[1]!
  const named = NAMED.get(kind)
  if (named !== undefined) return named
  if (kind === 'x') return Number.parseInt(escape.slice(2), 16)
  if (kind === 'u' || kind === 'U') {
    const point = Number.parseInt(escape.slice(2), 16)
    return point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff) ? undefined : String.fromCodePoint(point)
  }
  const byte = Number.parseInt(escape.slice(1), 8)
  return byte <= 0xff ? byte : undefined
}

function decode(bytes: readonly number[]): string {
  return bytes.length === 0 ? '' : DECODER.decode(Uint8Array.from(bytes))
}
