import type { ModulePath } from '@modstead/gomod/path'
import { isCanonicalFor, type Version } from '@modstead/gomod/version'

export type ParsedInfo = { version: Version; time?: string } | { problem: string }

/**
 * What an `.info` file says, or why it cannot be believed, as the end of a sentence. A canonical version that was
 * asked for must come back unchanged; any other query, `latest` included, must give a version the module may have.
 */
export function parseInfo(module: ModulePath, query: string, bytes: Buffer): ParsedInfo {
  const info = parseObject(bytes)
  if (info === undefined) return { problem: 'that is not a JSON object' }
  const version = field(info, 'Version')
  const time = field(info, 'Time')
  if (typeof version !== 'string' || !isCanonicalFor(module, version))
    return { problem: 'without a version that this module may have' }
  if (isCanonicalFor(module, query) && version !== query) return { problem: `of another version, ${version}` }
  if (time === undefined || time === null) return { version }
  if (typeof time !== 'string' || !isTimestamp(time)) return { problem: 'with a time that is not RFC 3339' }
  return { version, time }
}

/** Whether `text` is a time as RFC 3339 writes it and Go reads it: no leap second, no day the month lacks. */
export function isTimestamp(text: string): boolean {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|[+-](\d\d):(\d\d))$/.exec(text)
  if (match === null) return false
  const [year, month, day, hour, minute, second, zoneHour, zoneMinute] = match
    .slice(1)
    .map((part) => Number(part ?? 0))
  const days = new Date(Date.UTC(2000 + (year! % 400), month, 0)).getUTCDate()
  const isDate = month! >= 1 && month! <= 12 && day! >= 1 && day! <= days
  return isDate && hour! < 24 && minute! < 60 && second! < 60 && zoneHour! < 24 && zoneMinute! < 60
}

/** The commit that an `.info` file says it was made from. Only a repository's own word on it can be believed. */
export function commitIn(bytes: Buffer): string | undefined {
  const origin = field(parseObject(bytes) ?? {}, 'Origin')
  const hash = isObject(origin) ? field(origin, 'Hash') : undefined
  return typeof hash === 'string' ? hash : undefined
}

function parseObject(bytes: Buffer): Record<string, unknown> | undefined {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined
    throw error
  }
  return isObject(value) ? value : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Go matches the names of JSON fields without regard to case, and prefers none: the last of them counts. */
function field(object: Record<string, unknown>, name: string): unknown {
  const wanted = name.toLowerCase()
  return Object.entries(object).findLast(([key]) => key.toLowerCase() === wanted)?.[1]
}
