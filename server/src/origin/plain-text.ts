/** Characters of a stranger's text that are quoted at most. */
const QUOTED = 200

/** The first paragraph of `text` on one line, without invisible characters, of 200 characters at most. */
export function quotable(text: string): string {
  const paragraph = text.trimStart().split(/\r?\n[ \t]*\r?\n/, 1)[0]!
  const line = paragraph
    .replace(/\s+/g, ' ')
    .replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, '')
    .trim()
  const characters = Array.from(line)
  return characters.length <= QUOTED ? line : `${characters.slice(0, QUOTED - 1).join('')}…`
}
