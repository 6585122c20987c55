/**
 * Reads what `git archive --format=tar` writes: POSIX ustar with pax headers for long names (pax(1)).
 */

/** A file of an archive. */
export interface TarEntry {
  path: string
  kind: 'regular' | 'symlink' | 'dir' | 'other'
  /** Where its contents begin, and their bytes. */
  offset: number
  size: number
}

/** An archive that breaks off or makes no sense. */
export class BadTar extends Error {
  override readonly name = 'BadTar'
}

const BLOCK = 512
/** Bytes of a pax header at most: a name, and a comment. */
const MAX_PAX = 1 << 20

/**
 * The entries of an archive, in its order. `read` gives `length` bytes at `offset`, or fewer at the end. Throws `BadTar`.
 */
export function* tarEntries(read: (offset: number, length: number) => Buffer): Generator<TarEntry> {
  let longName: string | undefined
  for (let at = 0; ;) {
    const header = read(at, BLOCK)
    if (header.length < BLOCK) throw new BadTar('the archive breaks off')
    if (header[0] === 0) return
    const size = octal(header, 124, 12)
    const type = String.fromCharCode(header[156]!)
    const offset = at + BLOCK
    at = offset + Math.ceil(size / BLOCK) * BLOCK
    if (type === 'x') {
      if (size > MAX_PAX) throw new BadTar('a header is too large')
      longName = paxPath(read(offset, size)) ?? longName
      continue
    }
    if (type === 'g') continue
    const path = longName ?? ustarPath(header)
    longName = undefined
    yield { path: path.replace(/\/$/, ''), kind: KINDS[type] ?? 'other', offset, size }
  }
}

const KINDS: Readonly<Record<string, TarEntry['kind']>> = {
  '\0': 'regular',
  '0': 'regular',
  '2': 'symlink',
  '5': 'dir',
}

function ustarPath(header: Buffer): string {
  const prefix = text(header, 345, 155)
  const name = text(header, 0, 100)
  return prefix === '' ? name : `${prefix}/${name}`
}

/** Records are `LENGTH KEY=VALUE\n`, where the length counts the whole record in bytes. */
function paxPath(records: Buffer): string | undefined {
  for (let at = 0; at < records.length;) {
    const space = records.indexOf(0x20, at)
    const length = Number(records.subarray(at, space).toString('latin1'))
    if (space < 0 || !Number.isInteger(length) || length <= space - at)
      throw new BadTar('a header is not readable')
    const record = records.subarray(space + 1, at + length - 1).toString('utf8')
    if (record.startsWith('path=')) return record.slice('path='.length)
    at += length
  }
  return undefined
}

function octal(header: Buffer, start: number, length: number): number {
  const digits = text(header, start, length).trim()
  if (!/^[0-7]+$/.test(digits)) throw new BadTar('a size is not a number')
  return Number.parseInt(digits, 8)
}

function text(header: Buffer, start: number, length: number): string {
  const field = header.subarray(start, start + length)
  const end = field.indexOf(0)
  return field.subarray(0, end < 0 ? length : end).toString('utf8')
}
