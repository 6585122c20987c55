/** Durations and sizes as people write them. Inside the server a duration is milliseconds and a size is bytes. */

const DURATION_UNITS: readonly (readonly [unit: string, milliseconds: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
]

const SIZE_UNITS: readonly (readonly [unit: string, bytes: number])[] = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
  ['TB', 1e12],
  ['GB', 1e9],
  ['MB', 1e6],
  ['KB', 1e3],
  ['B', 1],
]

/**
 * Reads `250ms`, `60s`, `5m`, `1h30m`, `7d`, or a number of seconds, alone or in a string. Gives whole milliseconds, or
 * undefined for anything else.
 */
export function parseDuration(input: string | number): number | undefined {
  const text = String(input).trim()
  if (/^\d+(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000)
  if (!/^(\d+(\.\d+)?(ms|[smhd]))+$/.test(text)) return undefined
  const scales = new Map(DURATION_UNITS)
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g))
    total += Number(amount) * scales.get(unit!)!
  return Math.round(total)
}

/** The shortest text that `parseDuration` reads back as the same whole milliseconds: `90m`, `1500ms`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0s'
  const [unit, scale] = DURATION_UNITS.find(([, scale]) => milliseconds % scale === 0)!
  return `${milliseconds / scale}${unit}`
}

/**
 * Reads `128MiB`, `1.5GiB`, `500MB`, `64 KiB`, `10B`, or a number of bytes, alone or in a string: `KiB` to `TiB` are
 * powers of 1024, `KB` to `TB` powers of 1000. Gives whole bytes, or undefined for anything else.
 */
export function parseSize(input: string | number): number | undefined {
  const [, amount, unit = 'B'] = /^(\d+(?:\.\d+)?) ?([KMGT]i?B|B)?$/.exec(String(input).trim()) ?? []
  if (amount === undefined) return undefined
  return Math.round(Number(amount) * new Map(SIZE_UNITS).get(unit)!)
}

/** The shortest text that `parseSize` reads back as the same bytes, binary units first: `128MiB`, `500MB`, `1234B`. */
export function formatSize(bytes: number): string {
  if (bytes === 0) return '0B'
  const [unit, scale] = SIZE_UNITS.find(([, scale]) => bytes % scale === 0)!
  return `${bytes / scale}${unit}`
}

/** Reads `6000/1m`, or `50GB/1h` for sizes: a whole amount of one or more, within milliseconds. */
export function parseRate(
  text: string,
  of: 'count' | 'size',
): { amount: number; window: number } | undefined {
  const [amountText = '', time = '', more] = text.split('/').map((part) => part.trim())
  const amount =
    of === 'size' ? parseSize(amountText) : /^\d{1,12}$/.test(amountText) ? Number(amountText) : undefined
  // `1000/m` is one minute, as people write it.
  const window = parseDuration(/^[a-z]+$/.test(time) ? `1${time}` : time)
  if (amount === undefined || amount < 1 || window === undefined || more !== undefined) return undefined
  return { amount, window }
}

/** Each value of a mapping in the form that `format` gives it. */
export function mapValues<Key extends string>(
  values: Record<Key, number>,
  format: (value: number) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries<number>(values).map(([key, value]) => [key, format(value)]))
}
