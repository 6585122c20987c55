/** Somebody who waits, and for whom. */
export interface Waiter {
  /** Whoever has few of these in a line is not held up by whoever has many. */
  client: string
}

/** A line in which each client has its turn after the other, whatever number of places each has. */
export interface Line<W extends Waiter> {
  /** False where the client has as many places as one may have. */
  add(waiter: W): boolean
  remove(waiter: W): void
  /** Takes out whose turn it is. */
  next(): W | undefined
  readonly size: number
}

/** `ofOne` bounds the places of one client. */
export function createLine<W extends Waiter>(ofOne: number): Line<W> {
  /** In the order of their turns. */
  const clients = new Map<string, Set<W>>()
  let size = 0

  function remove(waiter: W): void {
    const places = clients.get(waiter.client)
    if (places === undefined || !places.delete(waiter)) return
    size--
    if (places.size === 0) clients.delete(waiter.client)
  }

  return {
    remove,
    get size() {
      return size
    },
    add(waiter) {
      const places = clients.get(waiter.client) ?? new Set()
      if (places.size >= ofOne) return false
      clients.set(waiter.client, places.add(waiter))
      size++
      return true
    },
    next() {
      const [turn] = clients
      if (turn === undefined) return undefined
      const [client, places] = turn
      const [waiter] = places
      remove(waiter!)
      if (clients.delete(client)) clients.set(client, places)
      return waiter
    },
  }
}
