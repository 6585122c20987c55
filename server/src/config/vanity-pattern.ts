import { literalOf, matchGlob, parseGlob, type Glob } from '@modstead/gomod/glob'

/** A pattern taken apart: it matches a path when its elements match the first ones of the path, one by one. */
export interface VanityPattern {
  elements: readonly Glob[]
  /** The positions of elements that stand for more than one name. */
  wildcards: readonly number[]
}

/** The pattern taken apart; `undefined` for one that `checkPattern` refuses, or that has an escaped slash in it. */
export function splitPattern(pattern: string): VanityPattern | undefined {
  const elements: Glob[] = []
  for (const element of pattern.replace(/\/$/, '').split('/')) {
    const glob = parseGlob(element)
    if (typeof glob === 'string') return undefined
    elements.push(glob)
  }
  const wildcards = elements.flatMap((glob, index) => (literalOf(glob) === undefined ? [index] : []))
  return { elements, wildcards }
}

/** Whether the elements of a path begin with what the pattern stands for. */
export function matchesFirst(pattern: VanityPattern, path: readonly string[]): boolean {
  return (
    path.length >= pattern.elements.length &&
    pattern.elements.every((glob, index) => matchGlob(glob, path[index]!))
  )
}
