/**
 * Access tokens that modstead issues: `mst_`, 12 characters that name the token, 28 that are the secret, and 6 that
 * check the others (CRC-32), all of them letters and digits. Scanners find them by
 *
 *     mst_[0-9A-Za-z]{46}
 *
 * and by the check tell them from what only looks alike. 28 letters and digits hold 166 bits, so that a plain SHA-256
 * at rest is enough: nobody can try them.
 */
import { createHash, randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'

export const TOKEN_PREFIX = 'mst_'
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const ID = 12
const SECRET = 28
const CHECK = 6

export interface NewToken {
  /** Shown once, and stored nowhere. */
  token: string
  id: string
  /** Hex SHA-256 of the token. */
  hash: string
}

export function newToken(): NewToken {
  const id = randomLetters(ID)
  const token = withCheck(TOKEN_PREFIX + id + randomLetters(SECRET))
  return { token, id, hash: hashToken(token) }
}

/** Letters and digits, each worth 5.95 bits. */
export function randomLetters(count: number): string {
  return Array.from({ length: count }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}

/** The id in a token; `undefined` for one that was cut, mistyped or made up. */
export function tokenId(token: string): string | undefined {
  return /^mst_[0-9A-Za-z]{46}$/.test(token) && hasCheck(token)
    ? token.slice(TOKEN_PREFIX.length, TOKEN_PREFIX.length + ID)
    : undefined
}

export function isTokenId(text: string): boolean {
  return /^[0-9A-Za-z]{12}$/.test(text)
}

/** Hex SHA-256, as it is stored. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** A text with the six characters that check it. */
export function withCheck(text: string): string {
  return text + checkOf(text)
}

export function hasCheck(text: string): boolean {
  return checkOf(text.slice(0, -CHECK)) === text.slice(-CHECK)
}

function checkOf(text: string): string {
  let rest = crc32(text)
  let check = ''
  for (let i = 0; i < CHECK; i++) {
    check = ALPHABET[rest % ALPHABET.length]! + check
    rest = Math.floor(rest / ALPHABET.length)
  }
  return check
}
