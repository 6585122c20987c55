/**
 * go.sum and go.work.sum: the hashes that a project expects of the module versions it uses.
 *
 *     rsc.io/quote v1.5.2 h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=
 *     rsc.io/quote v1.5.2/go.mod h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0=
 *
 * The rules are those of cmd/go/internal/modfetch: three words a line, empty lines are skipped, hashes of an algorithm
 * that is not `h1` are not heeded, nor are those of an empty go.mod, which an old `go` wrote by mistake; and of several
 * h1 hashes of one thing the first is what `go` compares with.
 */
import { isH1 } from './dirhash.ts'
import { isSpace } from './modfile/space.ts'
import { isModulePath, type ModulePath } from './path.ts'
import { shown } from './quote.ts'
import { isCanonicalFor, type Version } from './version.ts'

/** A hash that `go` compares with. */
export interface GoSumLine {
  /** Number of the line, from 1. */
  readonly line: number
  readonly path: ModulePath
  readonly version: Version
  /** What the hash is of: the contents of the zip, or the go.mod alone. */
  readonly of: 'zip' | 'go.mod'
  /** `h1:…` */
  readonly hash: string
}

/** A line that `go` refuses, or that can never do what it is there for. */
export interface GoSumProblem {
  readonly line: number
  /** A phrase that follows "line N": "has 2 words, not 3". What it quotes is short, and has no control characters. */
  readonly message: string
}

export interface GoSum {
  /** In the order of the file; one for each thing. */
  readonly lines: readonly GoSumLine[]
  /** In the order of the file; `MAX_GO_SUM_PROBLEMS` at most. */
  readonly problems: readonly GoSumProblem[]
  /** Problems beyond those. */
  readonly moreProblems: number
}

/** Problems that are described one by one. */
export const MAX_GO_SUM_PROBLEMS = 100

/** Reads the text of a go.sum. Time and memory are proportional to its length; it never throws. */
export function parseGoSum(text: string): GoSum {
  const lines = new Map<string, GoSumLine>()
  const problems: GoSumProblem[] = []
  let moreProblems = 0
  for (let start = 0, line = 1; start < text.length; line++) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    const read = readLine(text.slice(start, end), line)
    const message = typeof read === 'object' ? add(lines, read) : read
    if (message !== undefined) {
      if (problems.length < MAX_GO_SUM_PROBLEMS) problems.push({ line, message })
      else moreProblems++
    }
    start = end + 1
  }
  return { lines: Array.from(lines.values()), problems, moreProblems }
}

/** The line as it stands in go.sum, without its newline. */
export function formatGoSumLine({ path, version, of, hash }: Omit<GoSumLine, 'line'>): string {
  return `${path} ${version}${of === 'zip' ? '' : GO_MOD} ${hash}`
}

/** `undefined` for what `go` passes over, a phrase for what is wrong. */
function readLine(text: string, line: number): GoSumLine | string | undefined {
  // One more than there may be tells that there are too many, however many a stranger wrote.
  const words = wordsOf(text, 4)
  const [path = '', name = '', hash = ''] = words
  if (words.length === 0) return undefined
  if (words.length !== 3)
    return `has ${words.length > 3 ? 'more than 3' : words.length} words, not 3: \`go\` refuses the file`
  if (hash === EMPTY_GO_MOD || !hash.startsWith('h1:')) return undefined
  const version = name.endsWith(GO_MOD) ? name.slice(0, -GO_MOD.length) : name
  if (!isModulePath(path)) return `is about ${shown(path)}, which is not a module path`
  if (!isCanonicalFor(path, version))
    return `is about ${shown(version)}, which is not a version that ${path} can have`
  if (!isH1(hash)) return `has ${shown(hash)}, which is not a whole h1 hash`
  return { line, path, version, of: version === name ? 'zip' : 'go.mod', hash }
}

function add(lines: Map<string, GoSumLine>, read: GoSumLine): string | undefined {
  const key = `${read.path} ${read.version} ${read.of}`
  const first = lines.get(key)
  if (first === undefined) lines.set(key, read)
  if (first === undefined || first.hash === read.hash) return undefined
  return `contradicts line ${first.line}, which has another hash of the same: \`go\` heeds that one`
}

/** The first words of a line, `most` at most. */
function wordsOf(text: string, most: number): string[] {
  const words: string[] = []
  let start = 0
  for (let at = 0; at <= text.length && words.length < most; at++) {
    if (at < text.length && !isSpace(text.charCodeAt(at))) continue
    if (at > start) words.push(text.slice(start, at))
    start = at + 1
  }
  return words
}

const GO_MOD = '/go.mod'

/** The h1 of a go.mod without contents. */
const EMPTY_GO_MOD = 'h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY='
