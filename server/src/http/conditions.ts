/** Conditional and range requests, as RFC 9110 sections 13 and 14 have them for GET and HEAD. */
import type { IncomingHttpHeaders } from 'node:http'

/** What is known of the file that a request is for. */
export interface Representation {
  /** Bytes. */
  size: number
  /** A strong entity tag, with its quotes. */
  etag?: string | undefined
  /** Milliseconds since the epoch, a whole second. */
  modified?: number | undefined
  /** Whether parts of it may be asked for. */
  ranges: boolean
}

/** What to answer. `end` is exclusive. */
export type Outcome =
  | { kind: 'whole' }
  | { kind: 'part'; start: number; end: number }
  | { kind: 'not_modified' }
  | { kind: 'precondition_failed' }
  | { kind: 'range_not_satisfiable' }

/** Whether the headers ask for nothing of this: the check that stands before every answer, so it is cheap. */
export function isUnconditional(headers: IncomingHttpHeaders): boolean {
  return (
    headers['if-none-match'] === undefined &&
    headers['if-modified-since'] === undefined &&
    headers.range === undefined &&
    headers['if-match'] === undefined &&
    headers['if-unmodified-since'] === undefined
  )
}

/** Evaluates the headers in the order of RFC 9110, section 13.2.2. Several ranges at once are answered whole. */
export function evaluateConditions(
  headers: IncomingHttpHeaders,
  method: string | undefined,
  file: Representation,
): Outcome {
  const ifMatch = headers['if-match']
  const unmodifiedSince = httpDate(headers['if-unmodified-since'])
  if (ifMatch !== undefined) {
    if (!namesTag(ifMatch, file.etag, 'strong')) return { kind: 'precondition_failed' }
  } else if (unmodifiedSince !== undefined && file.modified !== undefined && file.modified > unmodifiedSince)
    return { kind: 'precondition_failed' }

  const ifNoneMatch = headers['if-none-match']
  const modifiedSince = httpDate(headers['if-modified-since'])
  if (ifNoneMatch !== undefined) {
    if (namesTag(ifNoneMatch, file.etag, 'weak')) return { kind: 'not_modified' }
  } else if (modifiedSince !== undefined && file.modified !== undefined && file.modified <= modifiedSince)
    return { kind: 'not_modified' }

  const range = headers.range
  if (range === undefined || method !== 'GET' || !file.ranges || !rangeHolds(headers['if-range'], file))
    return { kind: 'whole' }
  return parseRange(range, file.size)
}

/** RFC 9110, section 14.1.2. What is no byte range of one part counts as no range at all. */
function parseRange(range: string, size: number): Outcome {
  const [, first, last] = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(range) ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return { kind: 'whole' }
  if (first === '') {
    const start = Math.max(0, size - Number(last))
    return start < size ? { kind: 'part', start, end: size } : { kind: 'range_not_satisfiable' }
  }
  const start = Number(first)
  const end = last === '' ? size : Math.min(size, Number(last) + 1)
  if (last !== '' && Number(last) < start) return { kind: 'whole' }
  return start < size ? { kind: 'part', start, end } : { kind: 'range_not_satisfiable' }
}

/** RFC 9110, section 13.1.5: a validator that does not match exactly makes the range void. */
function rangeHolds(ifRange: string | string[] | undefined, file: Representation): boolean {
  if (ifRange === undefined) return true
  if (typeof ifRange !== 'string') return false
  if (ifRange.includes('"')) return file.etag !== undefined && ifRange.trim() === file.etag
  return file.modified !== undefined && httpDate(ifRange) === file.modified
}

function namesTag(list: string, etag: string | undefined, comparison: 'strong' | 'weak'): boolean {
  if (list.trim() === '*') return true
  if (etag === undefined) return false
  for (const [tag] of list.matchAll(/(?:W\/)?"[^"]*"/g)) {
    if (tag === etag || (comparison === 'weak' && tag.startsWith('W/') && tag.slice(2) === etag)) return true
  }
  return false
}

/** The three date forms of RFC 9110, section 5.6.7, in milliseconds; `undefined` for anything else. */
function httpDate(text: string | undefined): number | undefined {
  if (text === undefined || !/^[A-Z][a-z]{2,8},? /.test(text)) return undefined
  const time = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
  return Number.isNaN(time) ? undefined : time
}
