import type { IncomingMessage } from 'node:http'
import { ModsteadError } from '../../errors.ts'

/** Fields at most; no grant has ten. */
const MOST = 20

/**
 * The fields of a form (RFC 6749, appendix B, and section 3.2: none may be there twice, and an empty one counts as absent).
 * Throws `unsupported_media_type` for another type or a compressed body, and `bad_request`.
 */
export function parseForm(
  { headers }: Pick<IncomingMessage, 'headers'>,
  body: Buffer,
): ReadonlyMap<string, string> {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';')
  const charset = parameters.map((parameter) => /^\s*charset="?([^"\s]+)"?\s*$/.exec(parameter)?.[1])
  const isForm = type.trim() === 'application/x-www-form-urlencoded'
  const isUtf8 = charset.every((name) => name === 'utf-8' || name === 'utf8')
  if (!isForm || !isUtf8 || (headers['content-encoding'] ?? 'identity') !== 'identity')
    throw new ModsteadError(
      'unsupported_media_type',
      'the body is not declared as a form, or is compressed',
      {
        next: 'send it with Content-Type: application/x-www-form-urlencoded',
      },
    )
  const text = textOf(body)
  // What is left of a broken escape would be taken as it is.
  if (text === undefined || /%(?![0-9A-Fa-f]{2})/.test(text)) throw broken('is no form in UTF-8')
  const fields = new Map<string, string>()
  for (const [name, given] of new URLSearchParams(text)) {
    // A file with a token ends with a line break, and curl sends it as it is.
    const value = name === 'subject_token' ? given.replace(/\r?\n$/, '') : given
    if (fields.has(name)) throw broken(`has the field ${shown(name)} more than once`)
    if (fields.size >= MOST) throw broken(`has more than ${MOST} fields`)
    if (/\p{Cc}/u.test(value)) throw broken(`has control characters in the field ${shown(name)}`)
    fields.set(name, value)
  }
  for (const [name, value] of fields) if (value === '') fields.delete(name)
  return fields
}

/** The value of a field. Throws `bad_request` where it is absent. */
export function fieldOf(form: ReadonlyMap<string, string>, name: string): string {
  const value = form.get(name)
  if (value !== undefined) return value
  throw broken(`lacks the field ${name}`)
}

function textOf(body: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    return undefined
  }
}

/** A field is named only where it cannot hold what somebody typed in the wrong place. */
function shown(name: string): string {
  return /^[a-z_]{1,40}$/.test(name) ? name : '(not shown)'
}

function broken(problem: string): ModsteadError {
  return new ModsteadError('bad_request', `the body of the request ${problem}`, {
    next: 'send a form in UTF-8, each field once and without line breaks: docs/sign-in.md has the fields',
  })
}
