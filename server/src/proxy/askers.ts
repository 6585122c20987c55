import { ModsteadError } from '../errors.ts'

/** A client, as far as it has to wait for its turn before anything is fetched for it. */
export interface Asker {
  /**
   * Waits for a turn and gives what ends it, which is to be called once. Throws `rate_limited`, `overloaded` and the
   * reason of the signal.
   */
  begin(signal: AbortSignal): Promise<() => void>
  /** Fires when the client has left; absent: it has been answered, and the work is done all the same. */
  gone?: AbortSignal
}

/** Who waits for one piece of work. */
export interface Askers {
  /** `undefined` is ourselves, who need no turn. */
  add(asker: Asker | undefined): void
  /**
   * Waits until one of them, or of those who join meanwhile, has its turn: whoever joins the work of a client with many
   * before it is not held up by those. Gives what ends the turn. Throws when none of them can have one any more. Work of
   * several steps has a turn for each.
   */
  turn(signal: AbortSignal): Promise<() => void>
}

/** Work that nobody waits for any more before it began. Whoever joins it at that moment begins it anew. */
export class LeftAlone extends ModsteadError {
  constructor() {
    super('aborted', 'everybody who waited for this has left before it began')
  }
}

/** So many are looked through for those who have left. */
const MANY = 64

export function createAskers(first: Asker | undefined): Askers {
  let known: (Asker | undefined)[] = [first]
  let join: ((asker: Asker | undefined) => void) | undefined

  return {
    add(asker) {
      // Work may take long, and clients that come and go must not add up.
      if (known.length % MANY === 0) known = known.filter((other) => other === undefined || !isGone(other))
      known.push(asker)
      join?.(asker)
    },
    async turn(signal) {
      const { promise, resolve, reject } = Promise.withResolvers<() => void>()
      const over = new AbortController()
      let trying = 0
      join = (asker) => {
        if (asker === undefined) {
          resolve(nothing)
          return
        }
        trying++
        tryFor(asker).catch((error: unknown) => {
          if (--trying > 0) return
          if (signal.aborted) reject(new ModsteadError('shutting_down', 'this modstead is shutting down'))
          else reject(isGone(asker) ? new LeftAlone() : error)
        })
      }
      async function tryFor(asker: Asker): Promise<void> {
        const signals = [signal, over.signal, ...(asker.gone === undefined ? [] : [asker.gone])]
        const end = await asker.begin(AbortSignal.any(signals))
        // Somebody else was faster.
        if (over.signal.aborted) return end()
        over.abort()
        resolve(end)
      }
      for (const asker of known) join(asker)
      try {
        return await promise
      } finally {
        join = undefined
        over.abort()
      }
    },
  }
}

function nothing(): void {
  // The end of a turn that nobody needs.
}

function isGone({ gone }: Asker): boolean {
  return gone?.aborted === true
}
