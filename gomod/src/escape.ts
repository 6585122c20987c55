/**
 * The `!` escaping with which module paths and versions stand in file names and URLs, so that no two of them differ
 * by case alone: every upper-case letter becomes `!` and its lower-case form.
 */

/** Escapes ASCII text that has no `!`; `undefined` for any other text, which has no escaped form. */
export function escapeCase(text: string): string | undefined {
  let upper = false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === BANG || c > 0x7f) return undefined
    if (isUpper(c)) upper = true
  }
  return upper ? text.replace(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`) : text
}

/** The inverse of `escapeCase`; `undefined` for text that it never makes. */
export function unescapeCase(escaped: string): string | undefined {
  let bang = false
  for (let i = 0; i < escaped.length; i++) {
    const c = escaped.charCodeAt(i)
    if (c > 0x7f || isUpper(c)) return undefined
    if (c !== BANG) continue
    const next = escaped.charCodeAt(i + 1)
    if (!(next >= 0x61 && next <= 0x7a)) return undefined
    bang = true
  }
  return bang ? escaped.replace(/!([a-z])/g, (_, letter: string) => letter.toUpperCase()) : escaped
}

const BANG = 0x21

function isUpper(c: number): boolean {
  return c >= 0x41 && c <= 0x5a
}
