/** The most characters of a remark. */
const LONGEST = 400

/**
 * What is wrong with a remark that a person leaves (the reason of a deletion, the note on an incident), to go on after
 * "the note …"; `undefined` where nothing is. One line, because others will see it at their terminals.
 */
export function remarkProblem(text: string): string | undefined {
  if (text.trim() === '') return 'is empty'
  if (text.length > LONGEST || /[\p{C}\ufffd]/u.test(text))
    return `must be one line of UTF-8, ${LONGEST} characters long at most`
  return undefined
}
