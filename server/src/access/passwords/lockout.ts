import type { Lockout } from '../../config/access/access-config.ts'

/** Ends the guessing of passwords. Keys are what is guessed at: a user name, an address. */
export interface Guesses {
  /**
   * Whether a password may be tried for all of these keys now. When the time of a lock is over it lets one trial
   * through, whose outcome must be told with `right` or `wrong`, or `dropped` when none was found out.
   */
  mayTry(keys: readonly string[]): boolean
  right(keys: readonly string[]): void
  /** `secret` is a hash of what was tried: the same one tried again counts once. Gives the keys that this has closed. */
  wrong(keys: readonly string[], secret: string): string[]
  dropped(keys: readonly string[]): void
}

interface State {
  /** When each wrong secret was first tried. */
  tried: Map<string, number>
  /** Closed until then; 0 while it is open. */
  until: number
  /** The one trial after the lock is being made. */
  trial: boolean
}

/** States at most: beyond it the oldest is forgotten, so that made-up names cost a bounded amount of memory. */
const MOST = 20_000

/** Times are milliseconds; `now` gives them and need not be the time of day. */
export function createGuesses({ secrets, within, closed }: Lockout, now: () => number): Guesses {
  const states = new Map<string, State>()

  function stateOf(key: string): State {
    let state = states.get(key)
    if (state === undefined) {
      state = { tried: new Map(), until: 0, trial: false }
      if (states.size >= MOST) states.delete(states.keys().next().value!)
    } else states.delete(key)
    states.set(key, state)
    return state
  }

  const isOpen = ({ until, trial }: State): boolean => until === 0 || (now() >= until && !trial)

  return {
    mayTry(keys) {
      const known = keys.flatMap((key) => states.get(key) ?? [])
      if (!known.every(isOpen)) return false
      for (const state of known) if (state.until !== 0) state.trial = true
      return true
    },
    right(keys) {
      for (const key of keys) {
        const state = states.get(key)
        // A password that is right says nothing of others that were tried from the same address.
        if (state !== undefined && (state.until !== 0 || key === keys[0])) states.delete(key)
      }
    },
    wrong(keys, secret) {
      const at = now()
      const shut: string[] = []
      for (const key of keys) {
        const state = stateOf(key)
        for (const [other, since] of state.tried) if (at - since >= within) state.tried.delete(other)
        if (!state.tried.has(secret)) state.tried.set(secret, at)
        const failedTrial = state.trial
        state.trial = false
        if (!failedTrial && state.tried.size < secrets) continue
        state.until = at + closed
        state.tried.clear()
        shut.push(key)
      }
      return shut
    },
    dropped(keys) {
      for (const key of keys) {
        const state = states.get(key)
        if (state !== undefined) state.trial = false
      }
    },
  }
}
