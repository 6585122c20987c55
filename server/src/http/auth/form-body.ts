import type { IncomingMessage } from 'node:http'
import { ModsteadError } from '../../errors.ts'

/**
 * The fields of a form, each once (RFC 6749, section 3.2: parameters must not be there twice). Throws
 * `unsupported_media_type` for another content type, `bad_request` for bytes that are no form.
 */
export function parseForm({ headers }: Pick<IncomingMessage, 'headers'>, body: Buffer): Map<string, string> {
  const type = (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase()
  if (
    type !== 'application/x-www-form-urlencoded' ||
    (headers['content-encoding'] ?? 'identity') !== 'identity'
  )
    throw new ModsteadError(
      'unsupported_media_type',
      'the body is not declared as a form, or is compressed',
      {
        next: 'send it with Content-Type: application/x-www-form-urlencoded',
      },
    )
  const fields = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(body.toString())) {
    if (fields.has(name)) throw new ModsteadError('bad_request', 'the form has a field twice')
    fields.set(name, value)
  }
  return fields
}
