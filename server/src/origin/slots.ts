/** The right to use one of a bounded number of connections. */
export interface Slots {
  /**
   * Waits for a free slot and gives the function that frees it again (calling it twice is fine). Clients go first:
   * background work waits while any client does, and never holds more than three quarters of the slots, so that a
   * client finds one free. When `promoted` fires, background work goes on as a client's. Throws the reason of `signal`
   * when that fires first.
   */
  take(priority: 'client' | 'background', signal: AbortSignal, promoted?: AbortSignal): Promise<() => void>
}

interface Waiter {
  grant(): void
}

/** `size` is the number of slots, at least 1. */
export function createSlots(size: number): Slots {
  const backgroundSize = Math.max(1, Math.floor((size * 3) / 4))
  const clients = new Set<Waiter>()
  const others = new Set<Waiter>()
  let used = 0
  let background = 0

  function isFree(priority: 'client' | 'background'): boolean {
    if (used >= size) return false
    return priority === 'client' || background < backgroundSize
  }

  function occupy(priority: 'client' | 'background'): () => void {
    used++
    if (priority === 'background') background++
    let held = true
    return () => {
      if (!held) return
      held = false
      used--
      if (priority === 'background') background--
      wakeNext()
    }
  }

  function wakeNext(): void {
    // While a client waits no slot is free, so that one freed is enough for one of them.
    if (isFree('client')) first(clients)?.grant()
    if (isFree('background')) first(others)?.grant()
  }

  return {
    async take(asked, signal, promoted) {
      signal.throwIfAborted()
      let priority = promoted?.aborted === true ? 'client' : asked
      const queueOf = (): Set<Waiter> => (priority === 'client' ? clients : others)
      if (queueOf().size === 0 && isFree(priority)) return occupy(priority)
      const turn = Promise.withResolvers<() => void>()
      const waiter: Waiter = {
        grant() {
          end()
          turn.resolve(occupy(priority))
        },
      }
      const end = (): void => {
        queueOf().delete(waiter)
        signal.removeEventListener('abort', leave)
        promoted?.removeEventListener('abort', promote)
      }
      const leave = (): void => {
        end()
        turn.reject(signal.reason as Error)
        // Background work may have waited for nothing but this client.
        wakeNext()
      }
      const promote = (): void => {
        queueOf().delete(waiter)
        priority = 'client'
        queueOf().add(waiter)
        wakeNext()
      }
      queueOf().add(waiter)
      signal.addEventListener('abort', leave, { once: true })
      if (priority === 'background') promoted?.addEventListener('abort', promote, { once: true })
      return turn.promise
    },
  }
}

function first(waiting: ReadonlySet<Waiter>): Waiter | undefined {
  return waiting.values().next().value
}
