/** Times of records as text. No head covers them: whoever can write to the log can make them anything. */

/** The last millisecond that has four digits for its year, as RFC 3339 wants it. Milliseconds since the epoch. */
const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999)
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** Whether it is a time that a record may have: milliseconds since the epoch. */
export function isRecordTime(at: number): boolean {
  return Number.isInteger(at) && at >= 0 && at <= LATEST
}

/** `2026-11-26T20:30:00.123Z`; the nearest time that a record may have for one that is none. */
export function formatRecordTime(at: number): string {
  return new Date(Math.min(Math.max(Math.trunc(at), 0), LATEST)).toISOString()
}

/** Reads `formatRecordTime`'s form; `undefined` for any other text. */
export function parseRecordTime(text: string): number | undefined {
  const at = TIME.test(text) ? Date.parse(text) : Number.NaN
  return isRecordTime(at) ? at : undefined
}
