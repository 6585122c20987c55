import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Monitor } from './degraded.ts'

export interface RealMonitor extends Monitor {
  /** An answer that memory did not have began after so many milliseconds. */
  answered(ms: number): void
}

/** After so many looks what was measured is forgotten: one slow turn among many is no sign, and a long one is soon over. */
const LOOKS = 10
/** Answers that are looked at, and for how long each. Fewer than some say nothing. */
const MOST_ANSWERS = 1_000
const FEWEST_ANSWERS = 8
const ANSWERS_FOR = 10_000
/** How finely the event loop is measured. Milliseconds. */
const RESOLUTION = 20

/** Looks at the process that it runs in. */
export function createMonitor(now: () => number = () => performance.now()): RealMonitor {
  /** Two that begin anew in turns, so that there is always one that has measured for half of the looks and more. */
  const measuring = [0, 1].map(() => monitorEventLoopDelay({ resolution: RESOLUTION }))
  for (const histogram of measuring) histogram.enable()
  let looks = 0
  const answers: { at: number; ms: number }[] = []

  function requestTime(): number {
    const since = now() - ANSWERS_FOR
    while (answers.length > 0 && answers[0]!.at < since) answers.shift()
    if (answers.length < FEWEST_ANSWERS) return 0
    return answers.map(({ ms }) => ms).sort((a, b) => a - b)[answers.length >> 1]!
  }

  return {
    answered(ms) {
      if (answers.length >= MOST_ANSWERS) answers.shift()
      answers.push({ at: now(), ms })
    },
    read() {
      const half = Math.floor(looks / (LOOKS / 2))
      const older = measuring[half % 2]!
      // Measured is from one tick to the next, which are that far apart when nothing is late.
      const eventLoop = Math.max(0, older.percentile(99) / 1e6 - RESOLUTION)
      if (++looks % (LOOKS / 2) === 0) older.reset()
      return {
        eventLoop,
        memory: process.memoryUsage.rss(),
        requestTime: requestTime(),
      }
    },
    close() {
      for (const histogram of measuring) histogram.disable()
    },
  }
}
