import { STATUS_CODES } from 'node:http'
import { type Refusal, refusalIn } from '../statuses.ts'

/**
 * What the administrative API sends for an error: a problem of RFC 9457 with the `code` of docs/errors.md, the `next`
 * step in a sentence, and the ids of the `incident` and the `decision` where there are any.
 */
export function problemFor(error: unknown, decision?: string): Refusal {
  return refusalIn('application/problem+json', error, decision, ({ code, status, cause, next, incident }) => {
    const title = STATUS_CODES[status] ?? 'Error'
    const problem = { type: 'about:blank', title, status, detail: cause, code, next }
    const ids = {
      ...(incident !== undefined && { incident }),
      ...(decision !== undefined && { decision }),
    }
    return `${JSON.stringify({ ...problem, ...ids })}\n`
  })
}
