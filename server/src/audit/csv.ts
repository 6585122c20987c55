import { type AuditEvent, auditEventSchema } from './event.ts'

const COLUMNS = Object.keys(auditEventSchema.shape) as (keyof AuditEvent)[]

/** The names of the columns, as a line of CSV (RFC 4180). */
export function csvHead(): string {
  return `${COLUMNS.join(',')}\r\n`
}

/** An event as a line of CSV. Clients choose some of the texts: none becomes a formula in a spreadsheet. */
export function csvLine(event: AuditEvent): string {
  return `${COLUMNS.map((name) => cell(event[name])).join(',')}\r\n`
}

function cell(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
