import type { RequestListener, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { ClientTrust } from './client-trust.ts'
import type { WatchedFiles } from './watch-files.ts'

/**
 * What a client certificate was verified with counts for its connection: when that changes, connections end. Those that
 * are idle end at once, the others with the answers that are under way; a request that comes over one of them afterwards
 * gets no answer, and clients send it again over a new connection.
 *
 * Gives what takes the requests of `server`, a server over TLS.
 */
export function endOutdated(
  server: Server,
  clients: WatchedFiles<ClientTrust>,
  onRequest: RequestListener,
): RequestListener {
  const begun = new WeakMap<Socket, ClientTrust>()
  // The context of a handshake is that of its first byte, and whoever wants to can draw it out.
  const accepted = new Map<string, { trust: ClientTrust }>()
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket)
    const entry = { trust: clients.current() }
    accepted.set(peer, entry)
    socket.once('close', () => {
      if (accepted.get(peer) === entry) accepted.delete(peer)
    })
  })
  server.on('secureConnection', (socket: Socket) => {
    const entry = accepted.get(peerOf(socket))
    if (entry !== undefined) begun.set(socket, entry.trust)
  })
  clients.onChange(() => server.closeIdleConnections())
  return (req, res) => {
    if (begun.get(req.socket) === clients.current()) onRequest(req, res)
    else req.socket.destroy()
  }
}

/** The other end of a connection, the same before and after its handshake; those of a socket file have none. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
