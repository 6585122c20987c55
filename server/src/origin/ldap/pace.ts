/** How long a directory takes to compare passwords, so that there being no user takes as long. */
export interface Pace {
  /** A password of somebody was compared. Milliseconds. */
  took(ms: number): void
  /** Waits until what began at `began` (of `performance.now()`) has taken as long as one of those that were compared. */
  wait(began: number): Promise<void>
}

/** Of so many it remembers how long they took. */
const REMEMBERED = 32

/**
 * A directory answers at once where there is no entry, and computes a hash where there is one. What was seen of the latter
 * is repeated by chance: figures of the same distribution, and no mean value that would tell itself.
 */
export function createPace(): Pace {
  const seen: number[] = []
  return {
    took(ms) {
      seen.push(ms)
      if (seen.length > REMEMBERED) seen.shift()
    },
    async wait(began) {
      const wanted = seen[Math.floor(Math.random() * seen.length)] ?? 0
      const left = wanted - (performance.now() - began)
      if (left > 0) await new Promise((resolve) => setTimeout(resolve, left))
    },
  }
}
