/** What comments of a go.mod file say. */
import { isSpace, trimSpace } from './space.ts'
import type { Block, Comment, Line } from './syntax.ts'

/**
 * The comments of a directive without their slashes, one a line: those above it and at its end. A directive in a
 * block that has none of its own has those of the block.
 */
export function directiveComment(line: Line, block: Block | undefined): string {
  const owner = block !== undefined && line.before.length === 0 && line.suffix.length === 0 ? block : line
  return [...owner.before, ...owner.suffix]
    .filter(({ text }) => text.startsWith('//'))
    .map(commentText)
    .join('\n')
}

/** The message of the first paragraph in a directive's comments that begins with `Deprecated:`; `''` without one. */
export function deprecationOf(line: Line, block: Block | undefined): string {
  return /(?:^|\n\n)Deprecated: *([^]*?)(?:$|\n\n)/.exec(directiveComment(line, block))?.[1] ?? ''
}

/** Whether a line has the comment `// indirect`, alone or as `// indirect; …`. */
export function isIndirect(line: Line): boolean {
  const comment = line.suffix[0]
  if (comment === undefined) return false
  const text = commentText(comment)
  return text === 'indirect' || (text.startsWith('indirect;') && isSpace(text.charCodeAt('indirect;'.length)))
}

/** The text of a comment without its slashes and the space around it. */
export function commentText({ text }: Comment): string {
  return trimSpace(text.replace(/^\/\//, ''))
}
