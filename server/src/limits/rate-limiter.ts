import type { Rate } from '../config/limits/limits-config.ts'
import { formatRate } from '../config/limits/limits.ts'
import { ModsteadError } from '../errors.ts'
import type { Gauge, Meter } from './meters.ts'
import { freeIn, hasRoom } from './window.ts'

export interface RateLimiterOptions {
  /** How long somebody waits at most. Milliseconds. */
  queue: number
  now: () => number
  /** Told of each request that is refused, with the name of the limit: `principal.requests`. */
  refused: (limit: string) => void
}

/** Counts what comes, and holds up what is too much. The meters of a request are all that it counts in; `at` is now. */
export interface RateLimiter {
  /** Counts a request, and what it takes, if there is room and nobody waits for some; else counts nothing and says false. */
  pass(meters: readonly Meter<Queued>[], at: number, amount?: number): boolean
  /**
   * The same, after waiting for a turn where that is needed: clients have their turns one after the other. Throws
   * `rate_limited` where it would take too long, and the reason of the signal.
   */
  admit(meters: readonly Meter<Queued>[], client: string, signal: AbortSignal): Promise<void>
  /** Counts what a request took that was let pass. */
  charge(meters: readonly Meter<Queued>[], amount: number, at: number): void
  waiting(): number
}

/** A request that waits. */
export interface Queued {
  client: string
  /** Goes on if every meter has room, else says which one has none. */
  attempt(): Meter<Queued> | undefined
}

/** Waiting requests at most, of all clients together. */
const MOST_WAITING = 10_000

export function createRateLimiter({ queue, now, refused }: RateLimiterOptions): RateLimiter {
  let waiting = 0

  /** Whether it has room for one more, whoever waits for it. */
  function hasRoomIn({ gauges, windows }: Meter<Queued>, at: number): boolean {
    for (let i = 0; i < gauges.length; i++) if (!hasRoom(windows[i]!, gauges[i]!.rate, at)) return false
    return true
  }

  function take(meters: readonly Meter<Queued>[], at: number, amount: number): void {
    for (const meter of meters) {
      const { gauges, windows } = meter
      meter.lastUse = at
      for (let i = 0; i < gauges.length; i++) windows[i]!.current += gauges[i]!.before ? 1 : amount
    }
  }

  function pass(meters: readonly Meter<Queued>[], at: number, amount = 0): boolean {
    for (const meter of meters) if (meter.line.size > 0 || !hasRoomIn(meter, at)) return false
    take(meters, at, amount)
    return true
  }

  /** The rate of a meter that it takes longest to have room in, and how long that is. */
  function tightest({ gauges, windows }: Meter<Queued>): { gauge: Gauge; wait: number } {
    const at = now()
    const waits = gauges.map((gauge, i) => ({ gauge, wait: freeIn(windows[i]!, gauge.rate, at) }))
    return waits.reduce((worst, other) => (other.wait > worst.wait ? other : worst))
  }

  /** Lets in whoever's turn it is, as long as there is room; the next look is when there is some again. */
  function admitNext(meter: Meter<Queued>): void {
    clearTimeout(meter.timer)
    meter.timer = undefined
    while (meter.line.size > 0 && hasRoomIn(meter, now())) {
      const waiter = meter.line.next()!
      const other = waiter.attempt()
      if (other !== undefined) standIn(other, waiter)
    }
    if (meter.line.size > 0)
      meter.timer = setTimeout(() => admitNext(meter), Math.max(1, Math.ceil(tightest(meter).wait))).unref()
  }

  /** A line has no room only for clients with hundreds of places in it: they hear so when their time is over. */
  function standIn(meter: Meter<Queued>, waiter: Queued): boolean {
    if (!meter.line.add(waiter)) return false
    if (meter.timer === undefined) admitNext(meter)
    return true
  }

  return {
    pass,
    waiting: () => waiting,
    charge(meters, amount, at) {
      for (const { gauges, windows } of meters)
        for (let i = 0; i < gauges.length; i++) {
          if (gauges[i]!.before) continue
          // Counted where it belongs: the window may have moved on meanwhile.
          hasRoom(windows[i]!, gauges[i]!.rate, at)
          windows[i]!.current += amount
        }
    },
    async admit(meters, client, signal) {
      signal.throwIfAborted()
      if (pass(meters, now())) return
      const full = meters.find((meter) => meter.line.size > 0 || !hasRoomIn(meter, now()))!
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      let blocking = full
      const refuse = (): void => {
        const { gauge, wait } = tightest(blocking)
        refused(`${blocking.kind}.${gauge.measure}`)
        reject(tooMuch(blocking, gauge, wait))
      }
      const waiter: Queued = {
        client,
        attempt() {
          const at = now()
          const other = meters.find((meter) => !hasRoomIn(meter, at))
          if (other === undefined) {
            take(meters, at, 0)
            resolve()
          } else blocking = other
          return other
        },
      }
      if (tightest(full).wait > queue || waiting >= MOST_WAITING || !standIn(full, waiter)) refuse()
      const timer = setTimeout(refuse, queue)
      const leave = (): void => reject(signal.reason as Error)
      signal.addEventListener('abort', leave, { once: true })
      waiting++
      try {
        await promise
      } finally {
        waiting--
        clearTimeout(timer)
        signal.removeEventListener('abort', leave)
        for (const meter of meters) meter.line.remove(waiter)
      }
    },
  }
}

const WHOSE = {
  principal: 'this client has',
  anonymous: 'without a credential, this address has',
  address: 'all clients at this address together have',
  tenant: 'all clients together have',
} as const

/** The refusal, with when it is worth asking again and what draft-ietf-httpapi-ratelimit-headers has for programs. */
function tooMuch({ kind }: Meter<Queued>, { measure, rate }: Gauge, wait: number): ModsteadError {
  const seconds = Math.max(1, Math.ceil(wait / 1000))
  const name = `"${kind}-${measure}"`
  return new ModsteadError(
    'rate_limited',
    `${WHOSE[kind]} used up what limits.${kind}.${measure} allows, ${formatRate(rate, measure)}`,
    {
      next: `ask again in ${inWords(seconds)}; who runs this server can raise the limit, or let requests wait longer (limits.queue)`,
      retryAfter: seconds,
      headers: [
        'RateLimit-Policy',
        `${name};q=${rate.amount};w=${secondsOf(rate)}${measure === 'bytes' ? ';qu="content-bytes"' : ''}`,
        'RateLimit',
        `${name};r=0;t=${seconds}`,
      ],
    },
  )
}

function inWords(seconds: number): string {
  return seconds <= 120 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`
}

function secondsOf({ window }: Rate): number {
  return Math.max(1, Math.round(window / 1000))
}
