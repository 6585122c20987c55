/**
 * Whether a whole text fits a pattern: `*` stands for any characters but `/`, `**` for any at all, and everything else for
 * itself. It takes at most as many steps as the product of both lengths, whatever either says.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  const parts = pattern.match(/\*{2,}|\*|[^*]/gu) ?? []
  const letters = Array.from(text)
  // Which beginnings of the text fit what of the pattern was looked at so far.
  let fits = letters.map(() => false)
  fits.unshift(true)
  for (const part of parts) {
    const next = fits.map(() => false)
    for (let i = 0; i < fits.length; i++) {
      if (part.startsWith('*')) {
        const longer = i > 0 && next[i - 1]! && (part !== '*' || letters[i - 1] !== '/')
        next[i] = fits[i]! || longer
      } else next[i] = i > 0 && fits[i - 1]! && letters[i - 1] === part
    }
    fits = next
  }
  return fits.at(-1)!
}
