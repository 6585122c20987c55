import { ModsteadError } from '../../../errors.ts'

/** A gate that a few hosts cannot fill, however slow they are. */
export interface HostGate {
  /**
   * Does `work`, which waits for `host`, in its turn. Throws `overloaded` where that does not come in time, and the reason
   * of `signal`. The room goes to those hosts first that have the least of it.
   */
  pass<T>(host: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

/** The part of a host gate that is kept for hosts that have nothing in it. */
const KEPT = 0.25

/**
 * `size` is the room for all hosts together, and `ofOneHost` what one may have of it. The last quarter is only for hosts
 * that have none: a few that do not answer fill the rest, and every other is still asked, one thing after the other.
 */
export function createHostGate(options: {
  size: number
  ofOneHost: number
  patience: number
  what: string
}): HostGate {
  const { size, ofOneHost, patience, what } = options
  const common = size - Math.floor(size * KEPT)
  /** Those of which somebody is inside, or waits. */
  const hosts = new Map<string, HostWork>()
  let inside = 0

  function mayEnter(host: HostWork): boolean {
    if (host.inside === 0) return inside < size
    return host.inside < ofOneHost && inside < common
  }

  function admit(): void {
    for (;;) {
      let next: HostWork | undefined
      for (const host of hosts.values())
        if (host.waiting.size > 0 && mayEnter(host) && host.inside < (next?.inside ?? Infinity)) next = host
      const [enter] = next?.waiting ?? []
      if (enter === undefined) return
      enter()
    }
  }

  async function turnOf(host: HostWork, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const turn = Promise.withResolvers<void>()
    const enter = (): void => {
      host.waiting.delete(enter)
      host.inside++
      inside++
      turn.resolve()
    }
    const leave = (reason: unknown): void => {
      host.waiting.delete(enter)
      turn.reject(reason)
    }
    const late = (): void => {
      const whose = host.inside < ofOneHost ? '' : ' of one host'
      leave(new ModsteadError('overloaded', `too many ${what}${whose} at a time`))
    }
    const gone = (): void => leave(signal.reason)
    const timer = setTimeout(late, patience)
    signal.addEventListener('abort', gone, { once: true })
    host.waiting.add(enter)
    admit()
    await turn.promise.finally(() => {
      clearTimeout(timer)
      signal.removeEventListener('abort', gone)
    })
  }

  return {
    async pass(name, signal, work) {
      const host = hosts.get(name) ?? { inside: 0, waiting: new Set() }
      hosts.set(name, host)
      try {
        await turnOf(host, signal)
        return await work().finally(() => {
          host.inside--
          inside--
          admit()
        })
      } finally {
        if (host.inside + host.waiting.size === 0) hosts.delete(name)
      }
    },
  }
}

/** What a host gate has of one host. */
interface HostWork {
  inside: number
  /** Lets in one that waits; the longest first. */
  waiting: Set<() => void>
}
