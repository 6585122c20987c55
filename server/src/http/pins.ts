import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * What slow clients keep alive: a body that was handed to a response stays in memory until the client has taken it,
 * whoever else has dropped it by then.
 */
export interface Pins<Holder extends object> {
  /** To be called right after a body was handed to a response whole. What was taken at once costs nothing. */
  pin(holder: Holder, res: ServerResponse, socket: Socket): void
  /** The holders whose bodies at least one client has not taken yet. */
  holders(): Iterable<Holder>
}

export function createPins<Holder extends object>(): Pins<Holder> {
  const clients = new Map<Holder, number>()
  return {
    holders: () => clients.keys(),
    pin(holder, res, socket) {
      if (res.writableLength === 0) return
      clients.set(holder, (clients.get(holder) ?? 0) + 1)
      const done = (): void => {
        // A response that waits behind another one does not hear of the end of its connection.
        res.removeListener('close', done)
        socket.removeListener('close', done)
        const left = clients.get(holder)! - 1
        if (left === 0) clients.delete(holder)
        else clients.set(holder, left)
      }
      res.once('close', done)
      socket.once('close', done)
    },
  }
}
