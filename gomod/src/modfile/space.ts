/** White space as Go sees it (unicode.IsSpace), which is not quite what JavaScript's `trim` and `\s` take. */

/** Whether the UTF-16 unit `c` is white space. */
export function isSpace(c: number): boolean {
  if (c <= 0x20) return c === 0x20 || (c >= 0x09 && c <= 0x0d)
  if (c < 0x85) return false
  return c === 0x85 || c === 0xa0 || c === 0x1680 || (c >= 0x2000 && c <= 0x3000 && isWideSpace(c))
}

/** `text` without white space at its ends. Takes time proportional to its length, which a regular expression may not. */
export function trimSpace(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isSpace(text.charCodeAt(start))) start++
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isWideSpace(c: number): boolean {
  return c <= 0x200a || c === 0x2028 || c === 0x2029 || c === 0x202f || c === 0x205f || c === 0x3000
}
