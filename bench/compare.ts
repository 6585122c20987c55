import { median, number, type Figure } from './figure.ts'

export interface Comparison {
  name: string
  /** Measures modstead, once. */
  ours: () => Promise<number>
  /** Measures what it is held against, once. */
  theirs: () => Promise<number>
  rounds: number
  /** Shows the absolute values. */
  unit: string
  scale?: number
  limit: Pick<Figure, 'atLeast' | 'atMost'>
}

/**
 * The median of the ratios of two measurements that alternate (A B A B …, after one of each that does not count), so
 * that what changes on the machine meanwhile changes both.
 */
export async function compare(comparison: Comparison): Promise<Figure> {
  const { name, ours, theirs, rounds, unit, scale = 1, limit } = comparison
  await theirs()
  await ours()
  const pairs: { ours: number; theirs: number }[] = []
  for (let round = 0; round < rounds; round++) pairs.push({ theirs: await theirs(), ours: await ours() })
  const ratios = pairs.map((pair) => pair.ours / pair.theirs)
  const shown = (which: 'ours' | 'theirs'): string => number(median(pairs.map((pair) => pair[which])) / scale)
  const spread = `${number(Math.min(...ratios))}–${number(Math.max(...ratios))}`
  const detail = `${shown('ours')} against ${shown('theirs')} ${unit}, ${rounds} rounds ${spread}`
  return { name, value: median(ratios), unit: '', ...limit, detail }
}
