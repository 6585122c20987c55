/**
 * Semantic versions as Go writes and orders them: `vMAJOR[.MINOR[.PATCH[-PRERELEASE][+BUILD]]]`.
 *
 * Semantic Versioning 2.0.0 with two differences: the leading `v` is required, and `v1` and `v1.2` are accepted
 * as short for `v1.0.0` and `v1.2.0`. Numbers have no bound. The rules are those of golang.org/x/mod/semver.
 */
import { compareText } from './order.ts'

/** A version taken apart. The offsets count into `text`, the version with its three numbers filled in. */
interface Parsed {
  readonly text: string
  readonly majorEnd: number
  readonly minorEnd: number
  readonly patchEnd: number
  readonly prereleaseEnd: number
}

/** Whether `v` is a semantic version: `v1`, `v1.2`, `v1.2.3`, `v1.2.3-pre.1`, `v1.2.3+meta`. */
export function isValid(v: string): boolean {
  return parse(v) !== undefined
}

/** The full form of `v` without its build metadata, or `''` when `v` is not a version. `v1` gives `v1.0.0`. */
export function canonical(v: string): string {
  const parsed = parse(v)
  return parsed === undefined ? '' : parsed.text.slice(0, parsed.prereleaseEnd)
}

/** The major version with its `v` (`v2` for `v2.1.0`), or `''` when `v` is not a version. */
export function major(v: string): string {
  const parsed = parse(v)
  return parsed === undefined ? '' : parsed.text.slice(0, parsed.majorEnd)
}

/** Major and minor version with the `v` (`v2.1` for `v2.1.0`), or `''` when `v` is not a version. */
export function majorMinor(v: string): string {
  const parsed = parse(v)
  return parsed === undefined ? '' : parsed.text.slice(0, parsed.minorEnd)
}

/** The pre-release with its dash (`-pre` for `v2.1.0-pre+meta`); `''` when there is none or `v` is no version. */
export function prerelease(v: string): string {
  const parsed = parse(v)
  return parsed === undefined ? '' : parsed.text.slice(parsed.patchEnd, parsed.prereleaseEnd)
}

/** The build metadata with its plus (`+meta` for `v2.1.0+meta`); `''` when there is none or `v` is no version. */
export function build(v: string): string {
  const parsed = parse(v)
  return parsed === undefined ? '' : parsed.text.slice(parsed.prereleaseEnd)
}

/**
 * The precedence of two versions: negative when `a` comes first. Build metadata does not count. What is not a
 * version comes before every version, and is equal to everything else that is not.
 */
export function compare(a: string, b: string): -1 | 0 | 1 {
  return a === b ? 0 : compareParsed(parse(a), parse(b))
}

/** A sorted copy of `list`: by precedence, and by the bytes of the text where precedence is equal. */
export function sort(list: Iterable<string>): string[] {
  const entries = Array.from(list, (v) => ({ v, parsed: parse(v) }))
  entries.sort((x, y) => compareParsed(x.parsed, y.parsed) || compareText(x.v, y.v))
  return entries.map((entry) => entry.v)
}

/** The canonical form of the greater of two versions; `''` when neither is a version. */
export function max(a: string, b: string): string {
  return canonical(compare(a, b) > 0 ? a : b)
}

function parse(v: string): Parsed | undefined {
  if (v.charCodeAt(0) !== LETTER_V) return undefined
  const majorEnd = numberEnd(v, 1)
  if (majorEnd < 0) return undefined
  if (majorEnd === v.length) return shortened(`${v}.0.0`, majorEnd, majorEnd + 2)
  const minorEnd = v.charCodeAt(majorEnd) === DOT ? numberEnd(v, majorEnd + 1) : -1
  if (minorEnd < 0) return undefined
  if (minorEnd === v.length) return shortened(`${v}.0`, majorEnd, minorEnd)
  const patchEnd = v.charCodeAt(minorEnd) === DOT ? numberEnd(v, minorEnd + 1) : -1
  if (patchEnd < 0) return undefined
  let end = patchEnd
  if (v.charCodeAt(end) === DASH) end = identifiersEnd(v, end + 1, true)
  const prereleaseEnd = end
  if (end > 0 && v.charCodeAt(end) === PLUS) end = identifiersEnd(v, end + 1, false)
  return end === v.length ? { text: v, majorEnd, minorEnd, patchEnd, prereleaseEnd } : undefined
}

function shortened(text: string, majorEnd: number, minorEnd: number): Parsed {
  return { text, majorEnd, minorEnd, patchEnd: text.length, prereleaseEnd: text.length }
}

const LETTER_V = 0x76
const DOT = 0x2e
const DASH = 0x2d
const PLUS = 0x2b
const ZERO = 0x30

/** The end of the decimal number at `start`, or -1: there is none, or it has a leading zero. */
function numberEnd(v: string, start: number): number {
  let i = start
  while (isDigit(v.charCodeAt(i))) i++
  if (i === start || (i > start + 1 && v.charCodeAt(start) === ZERO)) return -1
  return i
}

/** The end of the dot-separated identifiers at `start`, or -1 when one is empty or a number with a leading zero. */
function identifiersEnd(v: string, start: number, checkNumbers: boolean): number {
  let identifier = start
  let numeric = true
  for (let i = start; ; i++) {
    const c = v.charCodeAt(i)
    if (isDigit(c)) continue
    if ((c >= 0x61 && c <= 0x7a) || (c >= 0x41 && c <= 0x5a) || c === DASH) {
      numeric = false
      continue
    }
    if (i === identifier) return -1
    if (checkNumbers && numeric && i > identifier + 1 && v.charCodeAt(identifier) === ZERO) return -1
    if (c !== DOT) return i
    identifier = i + 1
    numeric = true
  }
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39
}

function compareParsed(a: Parsed | undefined, b: Parsed | undefined): -1 | 0 | 1 {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1
  return (
    compareNumber(a.text, 1, a.majorEnd, b.text, 1, b.majorEnd) ||
    compareNumber(a.text, a.majorEnd + 1, a.minorEnd, b.text, b.majorEnd + 1, b.minorEnd) ||
    compareNumber(a.text, a.minorEnd + 1, a.patchEnd, b.text, b.minorEnd + 1, b.patchEnd) ||
    comparePrerelease(a, b)
  )
}

/** Compares two decimal numbers without leading zeros that stand at [start, end) of their texts. */
function compareNumber(
  a: string,
  aStart: number,
  aEnd: number,
  b: string,
  bStart: number,
  bEnd: number,
): -1 | 0 | 1 {
  const length = aEnd - aStart
  if (length !== bEnd - bStart) return length < bEnd - bStart ? -1 : 1
  for (let i = 0; i < length; i++) {
    const difference = a.charCodeAt(aStart + i) - b.charCodeAt(bStart + i)
    if (difference !== 0) return difference < 0 ? -1 : 1
  }
  return 0
}

function comparePrerelease(a: Parsed, b: Parsed): -1 | 0 | 1 {
  const aHas = a.prereleaseEnd > a.patchEnd
  const bHas = b.prereleaseEnd > b.patchEnd
  if (!aHas || !bHas) return aHas === bHas ? 0 : aHas ? -1 : 1
  let i = a.patchEnd + 1
  let j = b.patchEnd + 1
  for (;;) {
    const iEnd = identifierEnd(a, i)
    const jEnd = identifierEnd(b, j)
    const order = compareIdentifier(a.text.slice(i, iEnd), b.text.slice(j, jEnd))
    if (order !== 0) return order
    const aDone = iEnd === a.prereleaseEnd
    const bDone = jEnd === b.prereleaseEnd
    if (aDone || bDone) return aDone === bDone ? 0 : aDone ? -1 : 1
    i = iEnd + 1
    j = jEnd + 1
  }
}

function identifierEnd(version: Parsed, start: number): number {
  const dot = version.text.indexOf('.', start)
  return dot < 0 || dot > version.prereleaseEnd ? version.prereleaseEnd : dot
}

/** Numbers come before words and compare as numbers; words compare in ASCII order. */
function compareIdentifier(a: string, b: string): -1 | 0 | 1 {
  if (a === b) return 0
  const aNumeric = isNumeric(a)
  if (aNumeric !== isNumeric(b)) return aNumeric ? -1 : 1
  if (aNumeric && a.length !== b.length) return a.length < b.length ? -1 : 1
  return a < b ? -1 : 1
}

function isNumeric(identifier: string): boolean {
  for (let i = 0; i < identifier.length; i++) if (!isDigit(identifier.charCodeAt(i))) return false
  return true
}
