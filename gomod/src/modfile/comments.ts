/** What comments of a go.mod file say. */
import { isSpace, trimSpace } from './space.ts'
import type { Block, Line } from './syntax.ts'

/**
 * The comments of a directive without their slashes, one a line: those above it and at its end. A directive in a
 * block that has none of its own has those of the block.
 */
export function directiveComment(line: Line, block: Block | undefined): string {
  const owner = block !== undefined && line.before.length === 0 && line.suffix.length === 0 ? block : line
  return [...owner.before, ...owner.suffix]
    .filter(({ text }) => text.startsWith('//'))
    .map(({ text }) => trimSpace(text.slice(2)))
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
  const text = trimSpace(comment.text.replace(/^\/\//, ''))
  return text === 'indirect' || (text.startsWith('indirect;') && isSpace(text.charCodeAt('indirect;'.length)))
}
