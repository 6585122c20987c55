import type { IncomingMessage } from 'node:http'
import { ModsteadError } from '../errors.ts'

/** The longest request target, in characters. */
export const MAX_TARGET = 2048

export interface RequestPath {
  /** Percent-decoded once: printable ASCII that starts with a slash. */
  path: string
  hasQuery: boolean
}

/**
 * Takes the path out of a raw request target (RFC 9112, section 3.2: origin-form or absolute-form) and decodes it.
 * Encoded slashes are refused, for they would make two addresses of one file, and so is what is encoded twice.
 *
 * Throws `uri_too_long`, `bad_request` for what is no target, `bad_path` for a wrong encoding.
 */
export function requestPath(target: string): RequestPath {
  if (target.length > MAX_TARGET)
    throw new ModsteadError(
      'uri_too_long',
      `the address is ${target.length} characters long, and ${MAX_TARGET} is the most`,
    )
  let raw = target
  if (raw.charCodeAt(0) !== SLASH) {
    const authority = /^https?:\/\/[^/?]*/i.exec(raw)?.[0]
    if (authority === undefined)
      throw new ModsteadError('bad_request', 'the target of the request is not a path')
    raw = raw.slice(authority.length) || '/'
  }
  const query = raw.indexOf('?')
  const path = query < 0 ? raw : raw.slice(0, query)
  return { path: decode(path), hasQuery: query >= 0 }
}

/** The inverse of the decoding: everything that a path may not hold as it is, percent-encoded. */
export function encodePath(path: string): string {
  return path.replace(/[^A-Za-z0-9!$&'()*+,;=:@/._~-]/g, hex)
}

const SLASH = 0x2f
const PERCENT = 0x25
const HASH = 0x23

function decode(path: string): string {
  let encoded = false
  for (let i = 0; i < path.length; i++) {
    const c = path.charCodeAt(i)
    if (c === PERCENT) encoded = true
    else if (c <= 0x20 || c > 0x7e || c === HASH)
      throw badPath('a character in it is not allowed in an address')
  }
  if (!encoded) return path
  const decoded = path.replace(/%([0-9A-Fa-f]{2})?/g, (_, digits: string | undefined) => {
    if (digits === undefined) throw badPath('a % in it is not followed by two hexadecimal digits')
    const c = Number.parseInt(digits, 16)
    if (c === SLASH) throw badPath('it has an encoded slash (%2F)')
    if (c < 0x20 || c > 0x7e) throw badPath('it has an encoded character that is not printable ASCII')
    return String.fromCharCode(c)
  })
  if (/%[0-9A-Fa-f]{2}/.test(decoded)) throw badPath('it is percent-encoded twice')
  return decoded
}

function hex(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

function badPath(problem: string): ModsteadError {
  return new ModsteadError('bad_path', `the address cannot be read: ${problem}`)
}

/** The target as the client sent it: on its way to a handler the router has replaced it. */
export function rawTarget(req: IncomingMessage): string {
  return 'originalUrl' in req && typeof req.originalUrl === 'string' ? req.originalUrl : (req.url ?? '')
}
