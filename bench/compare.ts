import { readFile } from 'node:fs/promises'
import { median, number, type Figure } from './figure.ts'

/** One side of a comparison. */
export interface Side {
  /** Measures once. */
  measure: () => Promise<number>
  /** The server process: its CPU time per unit is shown beside the figure, which others on the machine disturb less. */
  pid?: number
}

export interface Comparison {
  name: string
  ours: Side
  theirs: Side
  rounds: number
  /** Of the absolute values shown, which are divided by `scale`. */
  unit: string
  scale?: number
  /** The values are times: the figure says how many times faster we are. */
  times?: true
  limit: Pick<Figure, 'atLeast' | 'atMost'>
}

interface Measured {
  value: number
  /** CPU seconds of the server. */
  cpu: number
}

/**
 * The median of the ratios of two measurements that alternate (A B A B …, after one of each that does not count), so
 * that what changes on the machine meanwhile changes both.
 */
export async function compare(comparison: Comparison): Promise<Figure> {
  const { name, rounds, unit, scale = 1, times = false, limit } = comparison
  const ours: Measured[] = []
  const theirs: Measured[] = []
  for (let round = -1; round < rounds; round++) {
    const pair = [await measure(comparison.theirs), await measure(comparison.ours)] as const
    if (round < 0) continue
    theirs.push(pair[0])
    ours.push(pair[1])
  }
  const ratios = ours.map(({ value }, i) => (times ? theirs[i]!.value / value : value / theirs[i]!.value))
  const middle = (side: Measured[]): string => number(median(side.map(({ value }) => value)) / scale)
  const spread = `${number(Math.min(...ratios))}–${number(Math.max(...ratios))}`
  const parts = [`${middle(ours)} against ${middle(theirs)} ${unit}`, `${rounds} rounds ${spread}`]
  if (comparison.ours.pid !== undefined && comparison.theirs.pid !== undefined)
    parts.push(`by CPU time ${number(cost(theirs) / cost(ours))}`)
  return { name, value: median(ratios), unit: '', ...limit, detail: parts.join(', ') }
}

async function measure({ measure, pid }: Side): Promise<Measured> {
  const before = await cpuSeconds(pid)
  const value = await measure()
  return { value, cpu: (await cpuSeconds(pid)) - before }
}

/** Median of the CPU seconds for a rate of one; both sides are measured for the same time. */
function cost(side: readonly Measured[]): number {
  return median(side.map(({ value, cpu }) => cpu / value))
}

/** User and system time of all threads of a process so far. */
async function cpuSeconds(pid: number | undefined): Promise<number> {
  if (pid === undefined) return 0
  const text = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

/** Clock ticks per second, the same on every Linux. */
const TICKS = 100
