import { parsePasswordHash, type PasswordHash } from './password-hash.ts'

/** What a line of an htpasswd file is, but for empty lines and comments. Lines count from one. */
export type HtpasswdLine =
  | { line: number; user: string; text: string; hash: PasswordHash }
  /** A phrase about why it cannot be used, without secrets. */
  | { line: number; problem: string }

/** Characters, as HTTP Basic is taken with. */
const LONGEST_NAME = 256
/** The name that says a password is a token. */
const TAKEN = '__token__'

/** The lines `USER:HASH` of a file in their order; where a user has several, the last one counts. */
export function readHtpasswd(text: string): HtpasswdLine[] {
  return text.split(/\r?\n/).flatMap((content, index): HtpasswdLine[] => {
    if (content.trim() === '' || content.startsWith('#')) return []
    const line = index + 1
    const [, user, hashed] = /^([^:\s][^:]*):([^:\s]+)\s*$/.exec(content) ?? []
    if (user === undefined || hashed === undefined) return [{ line, problem: 'is not USER:HASH' }]
    const hash = parsePasswordHash(hashed)
    return [typeof hash === 'string' ? { line, problem: hash } : { line, user, text: hashed, hash }]
  })
}

/**
 * The contents of a file with `hash` as the hash of `user`, in the place of the last line of that name, or at the end.
 * All other bytes are as they were, but that a last line without an end gets one. `user` has no `userNameProblem`.
 */
export function withPassword(file: Buffer, user: string, hash: string): Buffer {
  const lines = linesOf(file)
  const last = lines.findLastIndex((line) => userOf(line) === user)
  const entry = bytesOf(`${user}:${hash}`)
  if (last === -1) {
    const end = endOf(lines[0]) || '\n'
    const before = lines.length > 0 && endOf(lines.at(-1)) === '' ? end : ''
    return Buffer.from(`${lines.join('')}${before}${entry}${end}`, 'latin1')
  }
  const changed = lines.map((line, index) => (index === last ? entry + endOf(line) : line))
  return Buffer.from(
    changed.filter((line, index) => index === last || userOf(line) !== user).join(''),
    'latin1',
  )
}

/** The contents without the lines of `user`; `undefined` where there is none. All other bytes are as they were. */
export function withoutUser(file: Buffer, user: string): Buffer | undefined {
  const lines = linesOf(file)
  const others = lines.filter((line) => userOf(line) !== user)
  return others.length === lines.length ? undefined : Buffer.from(others.join(''), 'latin1')
}

/**
 * What is wrong with the name of a user that is to have a password, as a phrase: it must fit into a line of the file, into
 * HTTP Basic (RFC 7617, section 2), and into `user:NAME` of bindings and tokens.
 */
export function userNameProblem(name: string): string | undefined {
  if (name === '') return 'is empty'
  if (name.length > LONGEST_NAME) return `has more than ${LONGEST_NAME} characters`
  if (name.includes(':')) return 'has a colon, which ends the name'
  if (/[\s\p{Cc}]/u.test(name)) return 'has spaces or control characters'
  if (!name.isWellFormed() || name.includes('\u{FFFD}')) return 'is not UTF-8'
  if (name !== name.normalize('NFC')) return 'is not in Unicode normal form C'
  if (name.startsWith('#')) return 'begins with "#", as comments do'
  if (name === TAKEN) return 'stands for tokens'
  return undefined
}

/** Each line with its end. A character is a byte, so that bytes that are no UTF-8 stay what they are. */
function linesOf(file: Buffer): string[] {
  return file
    .toString('latin1')
    .split(/(?<=\n)/)
    .filter((line) => line !== '')
}

/** Compared in normal form C, so that one name is one user however an editor wrote it. */
function userOf(line: string): string | undefined {
  const colon = line.indexOf(':')
  if (colon < 1 || line.startsWith('#')) return undefined
  return Buffer.from(line.slice(0, colon), 'latin1').toString().normalize('NFC')
}

function endOf(line = ''): string {
  return /\r?\n$/.exec(line)?.[0] ?? ''
}

function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1')
}
