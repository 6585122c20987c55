import { ModsteadError } from '../../../errors.ts'
import { createSlots } from '../../slots.ts'
import { createHostGate, type HostGate } from './host-gate.ts'

/** Lets so much work of a kind be done at a time, and no more. */
export interface Gate {
  /** Does `work` in its turn. Throws `overloaded` where that does not come in time, and the reason of `signal`. */
  pass<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

/** Programs that are kept though nobody needs them just now: of too many, the one that rests for longest ends. */
export interface Resting {
  /** `end` ends it. Gives what takes it back into use. */
  add(end: () => void): () => void
}

/**
 * The programs that all git origins together may run. Each takes some megabytes and often a core, and a build asks for
 * hundreds of repositories at once. Work behind `fetches` may wait at the other gates, and none of theirs waits at any:
 * so they cannot wait for each other.
 */
export interface Gates {
  fetches: HostGate
  /** Questions for the refs of repositories. */
  refs: HostGate
  /** Commands that read clones. */
  local: Gate
  resting: Resting
}

/** How long work waits for its turn: a crowd is served one after the other, but nobody waits for ever. Milliseconds. */
const PATIENCE = { fetches: 120_000, refs: 60_000, local: 60_000 }
const MOST_REFS_AT_ONCE = 64
const MOST_REFS_OF_A_HOST = 16
const MOST_RESTING = 32

/** `threads` is how many the machine has: fetches wait for hosts most of the time, so that a core serves some. */
export function createGates(threads: number): Gates {
  const several = Math.max(16, 4 * threads)
  return {
    fetches: createHostGate({
      size: several,
      ofOneHost: Math.floor((several * 3) / 4),
      patience: PATIENCE.fetches,
      what: 'fetches of repositories',
    }),
    refs: createHostGate({
      size: MOST_REFS_AT_ONCE,
      ofOneHost: MOST_REFS_OF_A_HOST,
      patience: PATIENCE.refs,
      what: 'questions for refs',
    }),
    local: createGate({ size: several, patience: PATIENCE.local, what: 'readers of repositories' }),
    resting: createResting(MOST_RESTING),
  }
}

/** `patience` in milliseconds; `what` completes the sentence "too many …". */
export function createGate(options: { size: number; patience: number; what: string }): Gate {
  const { size, patience, what } = options
  const slots = createSlots(size)
  return {
    async pass(signal, work) {
      const turn = new AbortController()
      const late = (): void => turn.abort(new ModsteadError('overloaded', `too many ${what} at a time`))
      const timer = setTimeout(late, patience)
      const free = await slots
        .take('client', AbortSignal.any([signal, turn.signal]))
        .finally(() => clearTimeout(timer))
      try {
        return await work()
      } finally {
        free()
      }
    },
  }
}

export function createResting(most: number): Resting {
  /** The one that rests for longest first. */
  const enders = new Set<() => void>()
  return {
    add(end) {
      enders.add(end)
      const [longest] = enders
      if (enders.size > most && longest !== undefined) {
        enders.delete(longest)
        longest()
      }
      return () => void enders.delete(end)
    },
  }
}
