import type { IncomingMessage } from 'node:http'
import type { Sender } from '../access/access.ts'

/** What of a request tells who sent it. */
export function senderOf({ headers, socket }: IncomingMessage): Sender {
  return { headers, address: socket.remoteAddress ?? 'socket', connection: socket }
}
