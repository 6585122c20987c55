/** Go's string literals, as strconv.Quote writes and strconv.Unquote reads them. */

/** The double-quoted Go literal of `text`: control and invisible characters are escaped, the rest stands as it is. */
export function quote(text: string): string {
  let out = '"'
  for (const character of text) out += SIMPLE_ESCAPES.get(character) ?? escapeInvisible(character)
  return `${out}"`
}

/** `text` as error messages show it: quoted, and cut after 120 characters, for it may come from a stranger. */
export function shown(text: string): string {
  return text.length > 120 ? `${quote(text.slice(0, 120))}…` : quote(text)
}

/** Whether one character is the ASCII space or has a shape: a letter, mark, number, punctuation or symbol. */
export function isVisible(character: string): boolean {
  return VISIBLE.test(character)
}

const SIMPLE_ESCAPES = new Map([
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
  ['\\', '\\\\'],
  ['"', '\\"'],
])

const VISIBLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u

function escapeInvisible(character: string): string {
  if (isVisible(character)) return character
  const point = character.codePointAt(0)!
  if (point < 0x80) return `\\x${hex(point, 2)}`
  return point < 0x10000 ? `\\u${hex(point, 4)}` : `\\U${hex(point, 8)}`
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
