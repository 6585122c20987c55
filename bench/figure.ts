import { styleText } from 'node:util'

/** One measured figure of a row, with the limit it is held against. */
export interface Figure {
  name: string
  value: number
  unit: '' | 'ms' | 's' | 'MiB' | 'requests'
  /** `value` must not be below `atLeast`, nor above `atMost`. Without either it is only told. */
  atLeast?: number
  atMost?: number
  /** What the figure was made of: absolute values, rounds. One line. */
  detail?: string
}

/** A row of the bench: one bullet of what modstead promises about speed. */
export interface Row {
  /** As given on the command line. */
  name: string
  title: string
  /** Left out unless it is named. */
  optional?: true
  run(): Promise<Figure[]>
}

/** A row that cannot run here, with what is missing: told, not failed. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}

export type Verdict = 'kept' | 'missed' | 'told'

export function judge({ value, atLeast, atMost }: Figure): Verdict {
  if (atLeast === undefined && atMost === undefined) return 'told'
  // A value that is no number keeps no limit.
  return value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity) ? 'kept' : 'missed'
}

/** One line of the table: figure, limit, verdict, what it was made of. */
export function formatFigure(figure: Figure): string {
  const { name, value, unit, atLeast, atMost, detail = '' } = figure
  const limit = [
    ...(atLeast === undefined ? [] : [`≥ ${number(atLeast)}`]),
    ...(atMost === undefined ? [] : [`≤ ${number(atMost)}`]),
  ].join(' ')
  const verdict = { kept: styleText('green', 'kept  '), missed: styleText('red', 'MISSED'), told: '      ' }
  const shown = `${number(value)}${unit && ` ${unit}`}`
  return `  ${name.padEnd(46)} ${shown.padStart(14)}  ${limit.padEnd(10)} ${verdict[judge(figure)]} ${detail}`.trimEnd()
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The value below which the part `q` (0 to 1) of the values lies; between two values it is interpolated. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const low = sorted[Math.floor(at)] ?? Number.NaN
  const high = sorted[Math.ceil(at)] ?? Number.NaN
  return low + (high - low) * (at - Math.floor(at))
}

export function number(value: number): string {
  if (Number.isInteger(value)) return String(value)
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(3)
}
