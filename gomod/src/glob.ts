/**
 * The globs of Go's package path: `*` matches any characters but slashes, `?` one character but a slash, `[a-z]` and
 * `[^a-z]` one of a class (a slash too, if it is in there), and a backslash takes the next character as it is.
 *
 * Matching takes time proportional to pattern times name at most: a star never gives back what the text after it has
 * matched, as in Go.
 */

/** A parsed glob. */
export interface Glob {
  readonly pattern: string
  /** The pieces between the stars. Never empty. */
  readonly chunks: readonly Chunk[]
  /** Where in `pattern` there is a slash that stands for itself, in order. */
  readonly slashes: readonly number[]
}

/** A piece of a glob without stars, and whether a star stands before it. */
interface Chunk {
  readonly star: boolean
  readonly terms: readonly Term[]
}

/** Text that stands for itself, any character but a slash, or one character of a class. */
type Term = string | typeof ANY | CharacterClass

const ANY = Symbol('any character but a slash')

interface CharacterClass {
  readonly negated: boolean
  readonly ranges: readonly (readonly [first: number, last: number])[]
}

/** The glob of `pattern`, or what is wrong with it as a phrase for an error message. */
export function parseGlob(pattern: string): Glob | string {
  const chunks: Chunk[] = []
  const slashes: number[] = []
  let terms: Term[] = []
  let star = false
  for (let i = 0; i < pattern.length;) {
    const character = characterAt(pattern, i)
    const start = i
    i += character.length
    if (character === '*') {
      if (terms.length > 0) chunks.push({ star, terms })
      terms = []
      star = true
    } else if (character === '?') {
      terms.push(ANY)
    } else if (character === '[') {
      const parsed = parseClass(pattern, i)
      if (typeof parsed === 'string') return parsed
      terms.push(parsed.term)
      i = parsed.end
    } else {
      const literal = character === '\\' ? characterAt(pattern, i) : character
      if (literal === '') return 'it ends in a backslash'
      if (character === '\\') i += literal.length
      if (literal === '/') slashes.push(start)
      appendLiteral(terms, literal)
    }
  }
  if (terms.length > 0 || star || chunks.length === 0) chunks.push({ star, terms })
  return { pattern, chunks, slashes }
}

/** Whether `name` as a whole matches. */
export function matchGlob(glob: Glob, name: string): boolean {
  const last = glob.chunks.at(-1)
  let position = 0
  for (const chunk of glob.chunks) {
    if (chunk.star && chunk.terms.length === 0) return !name.includes('/', position)
    position = matchChunk(chunk, name, position, chunk === last)
    if (position < 0) return false
  }
  return true
}

/** Where `chunk` ends in `name`, the first such place from `start` on, or only the very end; -1 if there is none. */
function matchChunk({ star, terms }: Chunk, name: string, start: number, atEnd: boolean): number {
  for (let i = start; ; i++) {
    const end = matchTerms(terms, name, i)
    if (end === name.length || (end >= 0 && !atEnd)) return end
    if (!star || i >= name.length || name[i] === '/') return -1
  }
}

/** The name that the glob matches if it matches only one. */
export function literalOf(glob: Glob): string | undefined {
  const [chunk, ...more] = glob.chunks
  if (chunk === undefined || more.length > 0 || chunk.star || chunk.terms.length > 1) return undefined
  const [term = ''] = chunk.terms
  return typeof term === 'string' ? term : undefined
}

/** The text that every name it matches starts with, as far as that is plain to see. */
export function headOf(glob: Glob): string {
  const chunk = glob.chunks[0]!
  const term = chunk.terms[0]
  return !chunk.star && typeof term === 'string' ? term : ''
}

/** The text that every name it matches ends in, as far as that is plain to see. */
export function tailOf(glob: Glob): string {
  const term = glob.chunks.at(-1)!.terms.at(-1)
  return typeof term === 'string' ? term : ''
}

/** Where the terms end in `name` if they match from `start` on; -1 if they do not. */
function matchTerms(terms: readonly Term[], name: string, start: number): number {
  let position = start
  for (const term of terms) {
    if (typeof term === 'string') {
      if (!name.startsWith(term, position)) return -1
      position += term.length
      continue
    }
    const point = name.codePointAt(position)
    if (point === undefined) return -1
    if (term === ANY ? point === SLASH : !inClass(term, point)) return -1
    position += point > 0xffff ? 2 : 1
  }
  return position
}

const SLASH = 0x2f

function inClass({ negated, ranges }: CharacterClass, point: number): boolean {
  return ranges.some(([first, last]) => first <= point && point <= last) !== negated
}

/** Parses the class that begins after the bracket, at `start`; `end` is where its closing bracket ends. */
function parseClass(pattern: string, start: number): { term: CharacterClass; end: number } | string {
  const negated = pattern[start] === '^'
  const ranges: [first: number, last: number][] = []
  let i = negated ? start + 1 : start
  while (pattern[i] !== ']' || ranges.length === 0) {
    const first = classCharacter(pattern, i)
    if (first === undefined) return 'a character class [] is empty, not closed or has a dash without a range'
    i = first.end
    let last = first
    if (pattern[i] === '-') {
      const second = classCharacter(pattern, i + 1)
      if (second === undefined) return 'a range in a character class [] has no end'
      last = second
      i = second.end
    }
    ranges.push([first.point, last.point])
  }
  return { term: { negated, ranges }, end: i + 1 }
}

function classCharacter(pattern: string, start: number): { point: number; end: number } | undefined {
  const character = characterAt(pattern, start)
  if (character === '' || character === '-' || character === ']') return undefined
  const taken = character === '\\' ? characterAt(pattern, start + 1) : character
  if (taken === '') return undefined
  return { point: taken.codePointAt(0)!, end: start + (character === '\\' ? 1 : 0) + taken.length }
}

/** The character that starts at `i`, `''` at the end. */
function characterAt(text: string, i: number): string {
  const point = text.codePointAt(i)
  return point === undefined ? '' : String.fromCodePoint(point)
}

function appendLiteral(terms: Term[], literal: string): void {
  const last = terms.at(-1)
  if (typeof last === 'string') terms[terms.length - 1] = last + literal
  else terms.push(literal)
}
