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
  const letters = (count: number) =>
    Array.from({ length: count }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
  const id = letters(ID)
  const text = TOKEN_PREFIX + id + letters(SECRET)
  const token = text + checkOf(text)
  return { token, id, hash: hashToken(token) }
}

/** The id in a token; `undefined` for one that was cut, mistyped or made up. */
export function tokenId(token: string): string | undefined {
  if (!/^mst_[0-9A-Za-z]{46}$/.test(token)) return undefined
  return checkOf(token.slice(0, -CHECK)) === token.slice(-CHECK)
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

function checkOf(text: string): string {
  let rest = crc32(text)
  let check = ''
  for (let i = 0; i < CHECK; i++) {
    check = ALPHABET[rest % ALPHABET.length]! + check
    rest = Math.floor(rest / ALPHABET.length)
  }
  return check
}
