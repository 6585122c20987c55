/** Characters of a stranger's text that are quoted at most. */
const QUOTED = 200
/** The same where its lines are told apart: a modstead has some 240 for the next step. */
const QUOTED_LINE = 300

/** The first paragraph of `text` on one line, without invisible characters, of 200 characters at most. */
export function quotable(text: string): string {
  return cut(visible(firstParagraph(text)))
}

/** The lines of the first paragraph of `text`, three at most, each as `quotable` gives it, with up to 300 characters. */
export function quotableLines(text: string): string[] {
  const lines = firstParagraph(text).split('\n').map(visible)
  return lines
    .filter((line) => line !== '')
    .slice(0, 3)
    .map((line) => cut(line, QUOTED_LINE))
}

function firstParagraph(text: string): string {
  return text.trimStart().split(/\r?\n[ \t]*\r?\n/, 1)[0]!
}

function visible(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, '')
    .trim()
}

function cut(line: string, most = QUOTED): string {
  const characters = Array.from(line)
  return characters.length <= most ? line : `${characters.slice(0, most - 1).join('')}…`
}
