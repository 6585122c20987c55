import { ModsteadError } from '../errors.ts'

/** What stands in a log line where a credential would. */
const HIDDEN = '(hidden)'

/** Names of fields that hold credentials, whatever their value. */
const SECRET_NAME =
  /^(proxy-)?authorization$|^(set-)?cookie$|password|passwd|secret|token|credential|private[-_]?key/i

const LONGEST_TEXT = 4096
const DEEPEST = 6
const MOST_ITEMS = 50

/** The text without user names and passwords in URLs and without the values of Authorization headers. */
export function redactText(text: string): string {
  const safe = text
    .replaceAll(/(:\/\/)[^/?#\s]*@/g, `$1${HIDDEN}@`)
    .replaceAll(/\b((?:proxy-)?authorization\W{1,4})(?:(?:basic|bearer)\s+)?[^\s"',}]+/gi, `$1${HIDDEN}`)
  return safe.length > LONGEST_TEXT ? `${safe.slice(0, LONGEST_TEXT)}…` : safe
}

/**
 * A copy of log fields that is safe to write: credentials are hidden by name and by form, errors become plain objects
 * with their code and causes, and what is too long or too deep is cut.
 */
export function redactFields(fields: object): Record<string, unknown> {
  return redactEntries(fields, 0)
}

function redactEntries(fields: object, depth: number): Record<string, unknown> {
  const safe: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields))
    if (value !== undefined)
      // The one name for errors, whatever a caller is used to.
      safe[name === 'err' ? 'error' : name] = SECRET_NAME.test(name) ? HIDDEN : redactValue(value, depth)
  return safe
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'bigint' || typeof value === 'symbol') return value.toString()
  if (typeof value === 'function') return '(function)'
  if (typeof value !== 'object' || value === null) return value
  if (depth >= DEEPEST) return '…'
  if (value instanceof Error) return describeError(value, depth)
  if (value instanceof URL) return redactText(value.href)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString()
  if (value instanceof Uint8Array) return `(${value.length} bytes)`
  if (value instanceof Map) return redactEntries(Object.fromEntries(value) as object, depth + 1)
  if (value instanceof Set || Array.isArray(value))
    return [...(value as Iterable<unknown>)].slice(0, MOST_ITEMS).map((item) => redactValue(item, depth + 1))
  return redactEntries(value, depth + 1)
}

/** Errors that were foreseen say it all in their message; all others are defects and show where they come from. */
function describeError(error: Error, depth: number): Record<string, unknown> {
  const { code, cause } = error as Error & { code?: unknown }
  const described: Record<string, unknown> = { code: code ?? error.name, message: redactText(error.message) }
  if (error instanceof ModsteadError) {
    for (const key of ['next', 'incident', 'origin'] as const)
      if (error[key] !== undefined) described[key] = redactText(error[key])
  } else if (depth === 0 && error.stack !== undefined) described.stack = redactText(error.stack)
  if (cause !== undefined) described.cause = redactValue(cause, depth + 1)
  if (error instanceof AggregateError)
    described.errors = error.errors.slice(0, MOST_ITEMS).map((item) => redactValue(item, depth + 1))
  return described
}
