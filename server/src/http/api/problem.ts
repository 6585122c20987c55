import { STATUS_CODES } from 'node:http'
import { type Refusal, refusalIn } from '../statuses.ts'

/**
 * What the administrative API sends for an error: a problem of RFC 9457 with the `code` of docs/errors.md, the `next`
 * step in a sentence, and the id of the `incident` where there is one.
 */
export function problemFor(error: unknown): Refusal {
  return refusalIn('application/problem+json', error, ({ code, status, cause, next, incident }) => {
    const title = STATUS_CODES[status] ?? 'Error'
    const problem = { type: 'about:blank', title, status, detail: cause, code, next }
    return `${JSON.stringify({ ...problem, ...(incident !== undefined && { incident }) })}\n`
  })
}
