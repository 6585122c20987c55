import type { LimitedClass, Measure, Rate } from '../config/limits/limits-config.ts'
import { createLine, type Line, type Waiter } from './line.ts'
import { openWindow, type Window } from './window.ts'

/** One rate of a class: what is counted, and whether one is counted as a request comes, or what it took when it is over. */
export interface Gauge {
  measure: Measure
  rate: Rate
  before: boolean
}

/** What was counted of one client. */
export interface Meter<W extends Waiter = Waiter> {
  readonly kind: LimitedClass
  readonly gauges: readonly Gauge[]
  /** One for each gauge. */
  readonly windows: readonly Window[]
  /** Who waits for room in it. */
  readonly line: Line<W>
  timer: NodeJS.Timeout | undefined
  /** Milliseconds. */
  lastUse: number
  /** Another has taken its place: whoever remembers it has to look for that. */
  dropped: boolean
}

/** The meters of a class. */
export interface Meters<W extends Waiter = Waiter> {
  of(key: string, now: number): Meter<W>
  count(): number
}

/** How often it is looked for meters that nobody needs any more. Milliseconds. */
const SWEEP = 1_000
/** Places of one client in one line. */
const PLACES = 256

/**
 * At most `most` meters, and as many again for what `coarser` makes of the keys that come when there is no room. One
 * that still counts something is never given up for a new key: whoever makes up keys would begin anew with each. New
 * ones then share the meter of their neighbourhood, and in the end one for all.
 */
export function createMeters<W extends Waiter>(options: {
  kind: LimitedClass
  gauges: readonly Gauge[]
  coarser: (key: string) => string
  most?: number
}): Meters<W> {
  const { kind, gauges, coarser, most = 50_000 } = options
  const meters = new Map<string, Meter<W>>()
  const shared = new Map<string, Meter<W>>()
  const longest = 2 * Math.max(0, ...gauges.map(({ rate }) => rate.window))
  let swept = -Infinity

  function open(now: number): Meter<W> {
    const windows = gauges.map(() => openWindow(now))
    return { kind, gauges, windows, line: createLine(PLACES), timer: undefined, lastUse: now, dropped: false }
  }

  const rest = open(-Infinity)

  function sweep(now: number): void {
    if (now - swept < SWEEP) return
    swept = now
    for (const map of [meters, shared])
      for (const [key, meter] of map) {
        if (now - meter.lastUse < longest || meter.line.size > 0) continue
        meter.dropped = true
        map.delete(key)
      }
  }

  function make(key: string, now: number): Meter<W> {
    if (meters.size >= most) sweep(now)
    const [map, place] = meters.size < most ? [meters, key] : [shared, coarser(key)]
    const known = map.get(place)
    if (known !== undefined) return known
    if (map.size >= most) return rest
    const meter = open(now)
    map.set(place, meter)
    return meter
  }

  return {
    of: (key, now) => meters.get(key) ?? make(key, now),
    count: () => meters.size + shared.size,
  }
}

/** `192.0.0.0/16` and `2001:db8::/32`: what a stranger can have many addresses of. */
export function neighbourhood(network: string): string {
  if (network.includes(':')) return `${network.split(':', 2).join(':')}::/32`
  return `${network.split('.', 2).join('.')}.0.0/16`
}
