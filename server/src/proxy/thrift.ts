/** Keeps look-ahead from fetching what nobody asks for: counts the bytes and slows it down. */
export interface Thrift {
  /** A file is being fetched ahead: a client may join while it arrives. */
  started(key: string): void
  /** It has this many bytes. */
  sized(key: string, bytes: number): void
  fetched(key: string, bytes: number): void
  /** It is over: nothing came of it where `fetched` was not called before. */
  ended(key: string): void
  /** A client asked for this file. */
  asked(key: string): void
  /** Zips that may be under way at once now, out of `most`; 0 while too many unused bytes wait for a client. */
  concurrency(most: number): number
  /** Bytes since the start. */
  used(): number
  wasted(): number
}

/** Bytes that nobody asked for after this long count as wasted. Milliseconds. */
const PATIENCE = 5 * 60_000
/** Above this share of wasted bytes look-ahead slows down. */
const TOLERABLE = 0.2
/** Bytes below which the share says nothing yet. */
const ENOUGH = 32 << 20
/** Unused bytes allowed while it is slowed down. */
const SLOW_BYTES = 16 << 20

export function createThrift(mostUnused: number, now: () => number): Thrift {
  const waiting = new Map<string, { bytes: number; at: number }>()
  const arriving = new Map<string, { asked: boolean; bytes: number }>()
  const total = { used: 0, wasted: 0 }
  // The recent past, halved as it grows, so that old behaviour is forgotten.
  const recent = { used: 0, wasted: 0 }
  let unused = 0

  function settle(bytes: number, kind: 'used' | 'wasted'): void {
    total[kind] += bytes
    recent[kind] += bytes
    if (recent.used + recent.wasted > 8 * ENOUGH) {
      recent.used /= 2
      recent.wasted /= 2
    }
  }

  /** Bytes on their way that no client has asked for yet. */
  function underWay(): number {
    let bytes = 0
    for (const entry of arriving.values()) if (!entry.asked) bytes += entry.bytes
    return bytes
  }

  function expire(): void {
    const limit = now() - PATIENCE
    for (const [key, { bytes, at }] of waiting) {
      if (at > limit) return
      waiting.delete(key)
      unused -= bytes
      settle(bytes, 'wasted')
    }
  }

  return {
    started(key) {
      arriving.set(key, { asked: false, bytes: 0 })
    },
    sized(key, bytes) {
      const entry = arriving.get(key)
      if (entry !== undefined) entry.bytes = bytes
    },
    ended(key) {
      arriving.delete(key)
    },
    fetched(key, bytes) {
      const asked = arriving.get(key)?.asked
      arriving.delete(key)
      if (asked === true) return settle(bytes, 'used')
      waiting.set(key, { bytes, at: now() })
      unused += bytes
    },
    asked(key) {
      const underWay = arriving.get(key)
      if (underWay !== undefined) underWay.asked = true
      const entry = waiting.get(key)
      if (entry === undefined) return
      waiting.delete(key)
      unused -= entry.bytes
      settle(entry.bytes, 'used')
    },
    concurrency(most) {
      expire()
      const sum = recent.used + recent.wasted
      const slow = sum > ENOUGH && recent.wasted > TOLERABLE * sum
      if (unused + underWay() >= (slow ? Math.min(SLOW_BYTES, mostUnused) : mostUnused)) return 0
      return slow ? 1 : most
    },
    used: () => total.used,
    wasted: () => total.wasted,
  }
}
