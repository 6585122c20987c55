/** Who has failed so often in a row that nobody waits for another failure. */
export interface Patience {
  /** The last failure, once there were too many: what is not asked any more fails like it. */
  spent(): string | undefined
  failed(reason: string): void
  answered(): void
}

/** A network that is gone takes its time to say so, and there may be thousands of questions. */
const FAILURES = 8

export function createPatience(): Patience {
  let failures = 0
  let last: string | undefined
  return {
    spent: () => (failures >= FAILURES ? last : undefined),
    failed(reason) {
      failures++
      last = reason
    },
    answered() {
      failures = 0
    },
  }
}
