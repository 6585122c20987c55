import type { AuthRecords } from './records.ts'

/** How often what has expired is removed, and how long it stays. Milliseconds. */
const EVERY = 600_000

/**
 * Makes what removes records that have expired: to be called where new ones are made, so that they never grow without
 * bound. It does so once in ten minutes at most, and waits for nothing.
 */
export function createSweep(
  records: AuthRecords,
  now: () => number,
  onFailed: (error: unknown) => void,
): () => void {
  let swept = now()
  return () => {
    if (now() - swept < EVERY) return
    swept = now()
    records.sweepAuthRecords(now() - EVERY).catch(onFailed)
  }
}
