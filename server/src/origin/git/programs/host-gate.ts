import { ModsteadError } from '../../../errors.ts'
import { createFairGate } from '../../../limits/fair-gate.ts'

/** A gate that a few hosts cannot fill, however slow they are. */
export interface HostGate {
  /**
   * Does `work`, which waits for `host`, in its turn. Throws `overloaded` where that does not come in time, and the reason
   * of `signal`. The room goes to those hosts first that have the least of it.
   */
  pass<T>(host: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

/**
 * `size` is the room for all hosts together, and `ofOneHost` what one may have of it. `patience` is in milliseconds;
 * `what` completes the sentence "too many …".
 */
export function createHostGate(options: {
  size: number
  ofOneHost: number
  patience: number
  what: string
}): HostGate {
  const { size, ofOneHost, patience, what } = options
  const gate = createFairGate({
    size,
    ofOne: ofOneHost,
    patience,
    refusal: (full) =>
      new ModsteadError('overloaded', `too many ${what}${full === 'one' ? ' of one host' : ''} at a time`),
  })
  return {
    async pass(host, signal, work) {
      const leave = await gate.enter(host, signal)
      return work().finally(leave)
    },
  }
}
