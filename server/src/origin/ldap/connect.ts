import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import type { Client } from 'ldapts'
import type { LdapServer } from '../../config/access/ldap.ts'
import { dial, secure } from '../dial.ts'
import { within } from '../deadline.ts'
import { connectFailure, peerOf, unavailable } from './failures.ts'
import { askForTls } from './start-tls.ts'

export interface ConnectOptions {
  server: LdapServer
  /** Whom we trust over TLS. */
  trust: () => SecureContext
  /** Of each step. Milliseconds. */
  timeout: number
  /** Gives up connecting. */
  signal: AbortSignal
}

/** A connection to a directory. It is never opened again: what follows a broken one needs another. */
export interface Connection {
  server: LdapServer
  client: Client
  /** Binds by name and password. Throws what the library does. */
  bind(dn: string, password: string): Promise<void>
  /** It can be used. */
  isOpen(): boolean
  close(): void
  /** The version of TLS, and the certificate of the server, for people. */
  security(): string
}

/**
 * Connects, and speaks TLS where that is configured, before the library sees the connection: by itself it would connect
 * again after a failure, without TLS and as nobody. Throws `directory_unavailable`.
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const { server, timeout } = options
  const { Client } = await import('ldapts')
  let socket: Socket | undefined = await openSocket(options)
  const opened = socket
  const client = new Client({
    url: 'ldap://opened.invalid',
    timeout,
    createConnection: () => {
      const once = socket
      socket = undefined
      if (once === undefined) throw new Error('the connection was closed')
      return once
    },
  })
  // Until the library listens, and when it does no more: an error of the socket is told by what was asked of it.
  const ignore = (): void => undefined
  opened.on('error', ignore)
  return {
    server,
    client,
    async bind(dn, password) {
      // Without a password it would be a bind as nobody, which succeeds: RFC 4513, section 5.1.2.
      if (password === '') throw new TypeError('a bind takes a password')
      await client.bind(dn, password)
    },
    isOpen: () => !opened.destroyed && opened.readyState === 'open',
    close() {
      opened.on('error', ignore).destroy()
    },
    security: () => describeTls(opened),
  }
}

function describeTls(socket: Socket): string {
  if (!(socket instanceof TLSSocket)) return 'none'
  const { valid_to: until } = socket.getPeerCertificate()
  return `${socket.getProtocol()}, with a certificate until ${until}`
}

async function openSocket({ server, trust, timeout, signal }: ConnectOptions): Promise<Socket> {
  const peer = peerOf(server)
  const timeouts = { lookup: timeout, connect: timeout, tls: timeout }
  const { host, port } = server
  let socket: Socket | undefined
  try {
    socket = await dial({ host, port, peer, timeouts, signal, mayReach: () => true })
    if (server.security === 'none') return socket
    if (server.security === 'startTls') {
      const late = () => unavailable(server, 'did not answer in time when it was asked for TLS')
      await within(askForTls(socket, server), { ms: timeout, signal, late })
    }
    return await secure(socket, { host, peer, timeouts, signal, context: trust(), protocols: [] })
  } catch (error) {
    socket?.on('error', () => undefined).destroy()
    throw connectFailure(server, error)
  }
}
