import type { ModsteadError } from '../errors.ts'

/** Lets so much work be done at a time, and shares the room among those for whom it is done. */
export interface FairGate {
  /**
   * Waits for room and gives what makes it free again, which may be called twice. Throws what `refusal` makes where
   * that does not come in time or too many wait, and the reason of `signal`.
   */
  enter(key: string, signal: AbortSignal): Promise<() => void>
  inside(): number
  waiting(): number
}

export interface FairGateOptions {
  /** The room for all together, and what one may have of it. */
  size: number
  ofOne: number
  /** How long anybody waits. Milliseconds. */
  patience: number
  /** How many may wait, of one and of all. Default: any number. */
  line?: { ofOne: number; all: number }
  /** `full`: because it has all that one may have, or because there is no room. */
  refusal: (full: 'one' | 'all') => ModsteadError
}

/** The part that is kept for those who have nothing inside. */
const KEPT = 0.25

/** What a gate has of one. */
interface Share {
  inside: number
  /** Lets in one that waits; the longest first. */
  waiting: Set<() => void>
}

/**
 * The room goes to those first who have the least of it. The last quarter is only for those who have none: a few that
 * take very long fill the rest, and everybody else has a turn all the same, one piece of work after the other.
 */
export function createFairGate({ size, ofOne, patience, line, refusal }: FairGateOptions): FairGate {
  const common = size - Math.floor(size * KEPT)
  /** Those of which something is inside, or waits. */
  const shares = new Map<string, Share>()
  let inside = 0
  let waiting = 0

  function mayEnter(share: Share): boolean {
    if (share.inside === 0) return inside < size
    return share.inside < ofOne && inside < common
  }

  function admit(): void {
    for (;;) {
      let next: Share | undefined
      if (waiting > 0 && inside < size)
        for (const share of shares.values())
          if (share.waiting.size > 0 && mayEnter(share) && share.inside < (next?.inside ?? Infinity))
            next = share
      const [enter] = next?.waiting ?? []
      if (enter === undefined) return
      enter()
    }
  }

  async function turnOf(share: Share, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const isFull = () => refusal(share.inside < ofOne ? 'all' : 'one')
    if (line !== undefined && (share.waiting.size >= line.ofOne || waiting >= line.all)) throw isFull()
    const turn = Promise.withResolvers<void>()
    const enter = (): void => {
      share.waiting.delete(enter)
      waiting--
      share.inside++
      inside++
      turn.resolve()
    }
    const leave = (reason: unknown): void => {
      if (!share.waiting.delete(enter)) return
      waiting--
      turn.reject(reason)
    }
    const gone = (): void => leave(signal.reason)
    const timer = setTimeout(() => leave(isFull()), patience)
    signal.addEventListener('abort', gone, { once: true })
    share.waiting.add(enter)
    waiting++
    admit()
    await turn.promise.finally(() => {
      clearTimeout(timer)
      signal.removeEventListener('abort', gone)
    })
  }

  function forget(key: string, share: Share): void {
    if (share.inside + share.waiting.size === 0 && shares.get(key) === share) shares.delete(key)
  }

  return {
    inside: () => inside,
    waiting: () => waiting,
    async enter(key, signal) {
      const share = shares.get(key) ?? { inside: 0, waiting: new Set() }
      shares.set(key, share)
      try {
        await turnOf(share, signal)
      } catch (error) {
        forget(key, share)
        throw error
      }
      let held = true
      return () => {
        if (!held) return
        held = false
        share.inside--
        inside--
        admit()
        forget(key, share)
      }
    },
  }
}
