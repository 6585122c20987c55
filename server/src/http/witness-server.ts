import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { MAX_ADD_CHECKPOINT_BYTES } from '@modstead/gomod/checkpoint/add-checkpoint'
import { formatHash } from '@modstead/gomod/tlog/hash'
import { formatListenAddress } from '../config/address.ts'
import type { ListenAddress, TlsConfig } from '../config/config.ts'
import { ModsteadError } from '../errors.ts'
import type { Logger } from '../observe/observer.ts'
import type { WitnessOfOthers } from '../sumdb/witness-of-others.ts'
import { refusalOfClientError, refuseConnection } from './client-errors.ts'
import { createConnections } from './connections.ts'
import { type ListenerTimeouts, openListener } from './listener.ts'
import { createBodyReader } from './read-body.ts'
import { refuse } from './refuse.ts'
import { rawTarget } from './request-path.ts'
import { openTlsFiles } from './tls/tls-files.ts'

export interface WitnessServerOptions {
  address: ListenAddress
  tls: TlsConfig | undefined
  witness: WitnessOfOthers
  /** The verifier key of the witness, and its name. */
  key: string
  name: string
  log: Logger
  /** For tests; absent: TIMEOUTS. */
  timeouts?: ListenerTimeouts
}

export interface WitnessServer {
  /** What is bound: a URL, or `unix:/path`. */
  address: string
  /** Lets running requests finish for at most `graceMs` milliseconds. Resolves when no connection is left. */
  stop(graceMs: number): Promise<void>
}

/** Requests are small, and strangers may send them: all is shorter than where modules are served. Milliseconds. */
const TIMEOUTS: ListenerTimeouts = {
  headers: 10_000,
  request: 20_000,
  idle: 30_000,
  keepAlive: 30_000,
  handshake: 10_000,
}

/**
 * Serves a witness: `POST /add-checkpoint` as C2SP's tlog-witness has it, and `GET /` for people, with its name, its key
 * and the heads that it cosigned last. Throws `listen_failed`.
 */
export async function openWitnessServer(options: WitnessServerOptions): Promise<WitnessServer> {
  const { address, tls, witness, log, timeouts = TIMEOUTS } = options
  const connections = createConnections()
  const readBody = createBodyReader({
    each: MAX_ADD_CHECKPOINT_BYTES,
    together: 16 * MAX_ADD_CHECKPOINT_BYTES,
    // Before the listener ends the connection, which says nothing to somebody whose request has begun.
    deadline: timeouts.request / 2,
  })

  async function answer(req: IncomingMessage, res: ServerResponse, signal: AbortSignal): Promise<void> {
    const target = rawTarget(req)
    const isRead = req.method === 'GET' || req.method === 'HEAD'
    if (target === '/') {
      if (!isRead) throw wrongMethod('GET, HEAD')
      send(res, { status: 200, contentType: TEXT, body: Buffer.from(describe(options)) })
      return
    }
    if (target !== '/add-checkpoint')
      throw new ModsteadError('no_endpoint', 'a witness has nothing at this address', {
        next: 'heads of logs go to /add-checkpoint; / tells what was cosigned',
      })
    if (req.method !== 'POST') throw wrongMethod('POST')
    send(res, await witness.answer(await readBody(req, signal)))
  }

  /** Never rejects. */
  async function onRequest(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const running = connections.begin(req.socket, res)
    try {
      if (connections.draining) res.shouldKeepAlive = false
      if (running === undefined)
        throw new ModsteadError('bad_request', 'too many requests at once on one connection')
      await answer(req, res, running.signal)
    } catch (error) {
      if (!(error instanceof ModsteadError) || error.code === 'store_unavailable')
        log.error({ err: error }, 'a request was not answered')
      if (!req.complete) res.shouldKeepAlive = false
      if (res.headersSent) res.destroy()
      else await refuse(error, req, res)
    } finally {
      running?.done()
    }
  }

  function refuseAll(socket: Socket, refusal: ModsteadError | undefined): void {
    if (refusal === undefined || !socket.writable || connections.isBusy(socket)) socket.destroy()
    else refuseConnection(socket, refusal)
  }

  const files = tls && (await openTlsFiles({ files: tls, log }))
  const listener = await openListener({
    address,
    tls: files,
    timeouts,
    onRequest: (req, res) => void onRequest(req, res),
    onConnection: connections.add,
    onClientError: (error, socket) => refuseAll(socket, refusalOfClientError(error, socket)),
    onConnect: (socket) => refuseAll(socket, wrongMethod('GET, HEAD, POST')),
    onListenerError: (error) => log.error({ err: error }, 'a connection could not be accepted'),
  })
  const bound = formatListenAddress(listener.address)
  const scheme = tls === undefined ? 'http' : 'https'
  return {
    address: 'socket' in listener.address ? bound : `${scheme}://${bound}`,
    async stop(graceMs) {
      listener.close()
      await connections.drain(graceMs)
      listener.destroy()
      await listener.closed
      files?.close()
    },
  }
}

const TEXT = 'text/plain; charset=utf-8'

function describe({ name, key, witness }: WitnessServerOptions): string {
  const logs = witness.logs().map(({ name, head }) => {
    const said =
      head === undefined ? 'nothing cosigned yet' : `${head.size} records, root ${formatHash(head.hash)}`
    return `${name}: ${said}\n`
  })
  return `The witness ${name}\n${key}\n\nIt cosigns heads of:\n${logs.join('')}`
}

function wrongMethod(allow: string): ModsteadError {
  return new ModsteadError('method_not_allowed', `here only ${allow} can be used`, { allow })
}

/** For HEAD node leaves the body out. */
function send(
  res: ServerResponse,
  { status, contentType = TEXT, body }: { status: number; contentType: string | undefined; body: Uint8Array },
): void {
  res.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  })
  res.end(body)
}
