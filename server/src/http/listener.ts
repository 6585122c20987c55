import { constants } from 'node:crypto'
import type { RequestListener, ServerOptions } from 'node:http'
import https from 'node:https'
import net from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import type { ListenAddress } from '../config/config.ts'
import { formatListenAddress } from '../config/address.ts'
import { ModsteadError } from '../errors.ts'
import { http } from './node-http.ts'
import { claimSocketFile } from './socket-file.ts'
import type { ClientTrust } from './tls/client-trust.ts'
import { endOutdated } from './tls/end-outdated.ts'
import type { TlsFiles } from './tls/tls-files.ts'
import type { WatchedFiles } from './tls/watch-files.ts'

/** Times in milliseconds. */
export interface ListenerTimeouts {
  /** For the headers of a request, counted from the opening of a connection or the first byte. */
  headers: number
  /** For a whole request: 500 MiB at 2.5 Mbit/s. Those who read bodies bound them more closely. */
  request: number
  /** For a connection on which no byte moves while an answer is due. */
  idle: number
  /** How long a connection waits for its next request: longer than the 90 s after which `go` closes it itself. */
  keepAlive: number
  handshake: number
}

export const TIMEOUTS: ListenerTimeouts = {
  headers: 30_000,
  request: 30 * 60_000,
  idle: 300_000,
  keepAlive: 120_000,
  handshake: 10_000,
}

export interface ListenerOptions {
  address: ListenAddress
  /** Absent: plain HTTP. */
  tls: TlsFiles | undefined
  /**
   * With `tls`: clients are asked for a certificate, and whoever has none or a bad one connects all the same, so that it
   * can be told what is wrong. Absent: nobody is asked.
   */
  clients?: WatchedFiles<ClientTrust>
  timeouts: ListenerTimeouts
  onRequest: RequestListener
  /** A connection on which requests may come; for TLS after its handshake. */
  onConnection: (socket: net.Socket) => void
  /** What the HTTP parser, the TLS handshake or a timeout found wrong with a connection. */
  onClientError: (error: NodeJS.ErrnoException, socket: net.Socket) => void
  /** A CONNECT request, which turns a connection into a tunnel and has no response object. */
  onConnect: (socket: net.Socket) => void
  /** What went wrong with accepting, while it listens. */
  onListenerError: (error: Error, address: ListenAddress) => void
}

export interface Listener {
  /** The address that is bound: where port 0 was asked for, the port that the system gave. */
  address: ListenAddress
  /** Stops accepting. Open connections stay; `closed` settles when the last one of them has ended. */
  close(): void
  closed: Promise<void>
  /** Breaks what is left, TLS handshakes included. */
  destroy(): void
}

const MAX_HEADERS = 16 << 10
/** Connections that may wait to be accepted: a build farm that starts at once brings hundreds. */
const BACKLOG = 4096

/** Listens on one address. Throws `listen_failed` with the reason and the next step. */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const { address, timeouts } = options
  const serverOptions: ServerOptions = {
    maxHeaderSize: MAX_HEADERS,
    headersTimeout: timeouts.headers,
    requestTimeout: timeouts.request,
    keepAliveTimeout: timeouts.keepAlive,
    connectionsCheckingInterval: Math.min(5_000, timeouts.headers),
    // The lack of a Host is refused by our own text.
    requireHostHeader: false,
    // Requests without a body, which all but the refused ones are, skip the life of a readable stream.
    optimizeEmptyRequests: true,
    noDelay: true,
  }
  const { clients } = options
  const server =
    options.tls === undefined
      ? http.createServer(serverOptions)
      : https.createServer({ ...serverOptions, ...tlsOptions(options.tls, clients, timeouts) })
  server.timeout = timeouts.idle
  const sockets = trackSockets(server)
  const endChanges = options.tls && followFiles(server as https.Server, options.tls, clients)
  const onRequest =
    clients === undefined ? options.onRequest : endOutdated(server, clients, options.onRequest)
  server.on('request', onRequest)
  server.on(options.tls === undefined ? 'connection' : 'secureConnection', options.onConnection)
  server.on('clientError', (error, socket) => options.onClientError(error, socket as net.Socket))
  server.on('checkContinue', (req, res) => {
    // Whoever may refuse an upload says itself when to go on, so that a refused one is not sent at all.
    if (req.method !== 'PUT') res.writeContinue()
    onRequest(req, res)
  })
  server.on('connect', (_, socket) => options.onConnect(socket as net.Socket))
  const closed = Promise.withResolvers<void>()
  server.once('close', () => {
    endChanges?.()
    closed.resolve()
  })
  if ('socket' in address) await claimSocketFile(address.socket)
  await bind(server, address)
  server.on('error', (error) => options.onListenerError(error, address))
  return {
    address: boundAddress(server, address),
    // Not http.Server's own close: it destroys connections whose last answer is not flushed yet.
    close: () => void net.Server.prototype.close.call(server),
    closed: closed.promise,
    destroy: () => sockets.forEach((socket) => socket.destroy()),
  }
}

function trackSockets(server: net.Server): Set<net.Socket> {
  const sockets = new Set<net.Socket>()
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}

async function bind(server: net.Server, address: ListenAddress): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('listening', resolve)
  server.once('error', reject)
  if ('socket' in address) server.listen({ path: address.socket })
  else
    server.listen({
      port: address.port,
      backlog: BACKLOG,
      ...(address.host !== '' && { host: address.host }),
    })
  try {
    await promise
  } catch (error) {
    throw listenFailed(error as NodeJS.ErrnoException, address)
  } finally {
    server.removeListener('listening', resolve)
    server.removeListener('error', reject)
  }
}

function boundAddress(server: net.Server, asked: ListenAddress): ListenAddress {
  const bound = server.address()
  return 'port' in asked && bound !== null && typeof bound === 'object'
    ? { host: asked.host, port: bound.port }
    : asked
}

function tlsOptions(
  files: TlsFiles,
  clients: WatchedFiles<ClientTrust> | undefined,
  timeouts: ListenerTimeouts,
): https.ServerOptions {
  return {
    ...contextOptions(files, clients),
    // HTTP/2 is slower here and resets parallel downloads, which `go` does not retry.
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: timeouts.handshake,
    ...(clients !== undefined && { requestCert: true, rejectUnauthorized: false }),
  }
}

function contextOptions(
  files: TlsFiles,
  clients: WatchedFiles<ClientTrust> | undefined,
): SecureContextOptions {
  if (clients === undefined) return files.options()
  // A session that is resumed brings its certificate along without another look at authorities and revocations.
  return { ...files.options(), ...clients.current().options, secureOptions: constants.SSL_OP_NO_TICKET }
}

/** New handshakes get the files that are there now; open connections go on with theirs. */
function followFiles(
  server: https.Server,
  files: TlsFiles,
  clients: WatchedFiles<ClientTrust> | undefined,
): () => void {
  const renew = (): void => server.setSecureContext(contextOptions(files, clients))
  const ends = [files.onChange(renew), clients?.onChange(renew)]
  return () => ends.forEach((end) => end?.())
}

function listenFailed(error: NodeJS.ErrnoException, address: ListenAddress): ModsteadError {
  const shown = formatListenAddress(address)
  const [reason, next] = REASONS[error.code ?? ''] ?? [
    `failed (${codeOf(error)})`,
    'check the address in --listen',
  ]
  return new ModsteadError('listen_failed', `listening on ${shown} ${reason}`, { next, cause: error })
}

const REASONS: Readonly<Record<string, readonly [reason: string, next: string]>> = {
  EADDRINUSE: [
    'is not possible: another process listens there',
    'stop it, or choose another address with --listen',
  ],
  EACCES: [
    'is not allowed for this user',
    'choose a port above 1023 or another folder with --listen, or run as a user who may',
  ],
  EADDRNOTAVAIL: [
    'is not possible: this machine does not have the address',
    'choose one of its own addresses with --listen',
  ],
  ENOTFOUND: ['is not possible: the name has no address', 'write an IP address in --listen'],
  ENOENT: [
    'is not possible: its folder does not exist',
    'create the folder, or choose another with --listen',
  ],
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error)
}
