/** For tests: what somebody on the way can do to the bytes of a checksum database's answers, class by class. */

/** One choice among `n`, from 0. The tests draw it; the same draws make the same change. */
export type Draw = (n: number) => number

/** A piece of an answer, and the class of bytes that it belongs to. */
export interface Span {
  readonly class: string
  readonly from: number
  readonly to: number
}

/** Where each class of bytes is in an answer to `/lookup/…`. All of its bytes are in one. */
export function lookupSpans(answer: Uint8Array): Span[] {
  return spansOf(answer, [['id', /\d+/y], ['line end', /\n/y], ...LINES, ['blank line', /\n/y], ...NOTE])
}

/** The same of a signed tree head. */
export function noteSpans(note: Uint8Array): Span[] {
  return spansOf(note, NOTE)
}

/** The same of one record in a data tile, with the blank line behind it. */
export function recordSpans(record: Uint8Array): Span[] {
  return spansOf(record, [...LINES, ['blank line', /\n/y]])
}

type Class = readonly [name: string, pattern: RegExp]

const LINES: readonly Class[] = [
  ['module', /[^ ]+/y],
  ['space', / /y],
  ['version', /[^ ]+/y],
  ['space', / /y],
  ['kind of hash', /h1:/y],
  ['hash of the zip', /[^\n]+/y],
  ['line end', /\n/y],
  ['module', /[^ ]+/y],
  ['space', / /y],
  ['version', /[^ /]+/y],
  ['/go.mod', /\/go\.mod/y],
  ['space', / /y],
  ['kind of hash', /h1:/y],
  ['hash of the go.mod', /[^\n]+/y],
  ['line end', /\n/y],
]

const NOTE: readonly Class[] = [
  ['title of the tree', /go\.sum database tree/y],
  ['line end', /\n/y],
  ['size of the tree', /\d+/y],
  ['line end', /\n/y],
  ['root of the tree', /[^\n]+/y],
  ['line end', /\n/y],
  ['blank line', /\n/y],
  // In UTF-8, byte by byte.
  ['start of the signature', /\xe2\x80\x94 /y],
  ['name of the key', /[^ ]+/y],
  ['space', / /y],
  // Four bytes and a third of the next are in six digits.
  ['hash of the key', /[^\n]{6}/y],
  ['signature', /[^\n=]+/y],
  ['padding', /=*/y],
  ['line end', /\n/y],
]

function spansOf(bytes: Uint8Array, classes: readonly Class[]): Span[] {
  const text = Buffer.from(bytes).toString('latin1')
  const spans: Span[] = []
  let from = 0
  for (const [name, pattern] of classes) {
    pattern.lastIndex = from
    const found = pattern.exec(text)
    if (found === null) throw new Error(`no ${name} at ${from} of ${JSON.stringify(text)}`)
    spans.push({ class: name, from, to: pattern.lastIndex })
    from = pattern.lastIndex
  }
  if (from !== text.length) throw new Error(`more behind the end: ${JSON.stringify(text.slice(from))}`)
  return spans
}

/** Another answer, in which only bytes of this span are changed, missing or more. */
export function changeSpan(answer: Uint8Array, { from, to }: Span, draw: Draw): Buffer {
  const before = answer.subarray(0, from)
  const piece = Buffer.from(answer.subarray(from, to))
  const after = answer.subarray(to)
  for (;;) {
    const changed = change(piece, draw)
    if (!changed.equals(piece)) return Buffer.concat([before, changed, after])
  }
}

const PLAUSIBLE = Buffer.from('0123456789abcXYZ+/=.-@ \n\r\t\0\u2014')

function change(piece: Buffer, draw: Draw): Buffer {
  const at = draw(Math.max(1, piece.length))
  const other = draw(2) === 0 ? PLAUSIBLE[draw(PLAUSIBLE.length)]! : draw(256)
  const changed = Buffer.from(piece)
  switch (draw(8)) {
    case 0:
      if (piece.length > 0) changed[at]! ^= 1 << draw(8)
      return changed
    case 1:
      if (piece.length > 0) changed[at] = other
      return changed
    case 2:
      return Buffer.concat([piece.subarray(0, at), piece.subarray(at + 1)])
    case 3:
      return Buffer.concat([piece.subarray(0, at), Buffer.of(other), piece.subarray(at)])
    case 4:
      return changed.reverse()
    case 5:
      return Buffer.alloc(0)
    case 6:
      return Buffer.concat([piece, piece])
    default:
      for (let i = 0; i < piece.length; i++) changed[i] = draw(256)
      return changed
  }
}

/** How tiles and whole answers can be changed beside their bytes. */
export const REARRANGEMENTS = [
  'cut short',
  'going on',
  'another order',
  'one less',
  'one more',
  'zeros',
] as const

/** The parts of a tile (hashes, or records) in another arrangement; `undefined` where it has too few for that. */
export function rearrange(
  parts: readonly Uint8Array[],
  how: (typeof REARRANGEMENTS)[number],
  draw: Draw,
): Buffer | undefined {
  const whole = Buffer.concat(parts)
  const [one, two] = [draw(parts.length), draw(parts.length)]
  switch (how) {
    case 'cut short':
      return whole.subarray(0, draw(whole.length))
    case 'going on':
      return Buffer.concat([whole, Buffer.from(Array.from({ length: 1 + draw(64) }, () => draw(256)))])
    case 'another order': {
      const other = parts.with(one, parts[two]!).with(two, parts[one]!)
      const changed = Buffer.concat(other)
      return changed.equals(whole) ? undefined : changed
    }
    case 'one less':
      return Buffer.concat(parts.toSpliced(one, 1))
    case 'one more':
      return Buffer.concat(parts.toSpliced(one, 0, parts[two]!))
    case 'zeros':
      return Buffer.alloc(whole.length)
  }
}
