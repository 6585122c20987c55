/**
 * The order of two texts by the bytes of their UTF-8, which is the order Go's tools sort by: negative when `a` comes
 * first. JavaScript's own `<` differs from it where characters beyond U+FFFF meet those from U+E000 on.
 */
export function compareText(a: string, b: string): -1 | 0 | 1 {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  let i = 0
  while (i < length && a.charCodeAt(i) === b.charCodeAt(i)) i++
  if (i === length) return a.length < b.length ? -1 : 1
  const x = a.charCodeAt(i)
  const y = b.charCodeAt(i)
  if (isSurrogate(x) !== isSurrogate(y)) return isSurrogate(y) ? -1 : 1
  return x < y ? -1 : 1
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff
}
