import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { connect as connectTcp, isIPv6, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { connect as connectTls } from 'node:tls'
import type { AuditEvent } from '../audit/event.ts'
import type { AuditSink } from '../audit/sink.ts'
import type { SyslogConfig } from '../config/audit/audit-config.ts'
import { ModsteadError } from '../errors.ts'
import { trustOf } from './post.ts'

/** RFC 5424, section 6.2.1: severities. */
const WARNING = 4
const INFORMATIONAL = 6
const CONNECT = 10_000
/** A message in a datagram, at most: with an IPv6 header it fits any link once more would be cut in pieces. Bytes. */
const DATAGRAM = 60_000

/** One message of RFC 5424 an event, whose text is its JSON. */
function syslogMessage(event: AuditEvent, facility: number, host: string): string {
  const severity = event.auth_result === 'ok' ? INFORMATIONAL : WARNING
  const priority = facility * 8 + severity
  return `<${priority}>1 ${event.timestamp} ${host} modstead ${process.pid} ${event.event_type} - ${JSON.stringify(event)}`
}

/** As RFC 5425 and RFC 6587 (section 3.4.1) frame messages in a stream: by counting octets. */
export function framed(message: string): Buffer {
  const bytes = Buffer.from(message)
  return Buffer.concat([Buffer.from(`${bytes.length} `), bytes])
}

/**
 * Syslog over UDP, TCP or TLS. No receiver says what it has taken: over a stream the batch before a connection broke is
 * sent again, so that what was on its way then is not lost; over UDP nobody knows.
 */
export async function openSyslog(config: SyslogConfig): Promise<AuditSink> {
  const host =
    hostname()
      .replaceAll(/[^\x21-\x7e]/g, '')
      .slice(0, 255) || '-'
  const textOf = (event: AuditEvent): string => syslogMessage(event, config.facility, host)
  return config.transport === 'udp' ? openUdp(config, textOf) : openStream(config, textOf)
}

function openUdp({ name, host, port }: SyslogConfig, textOf: (event: AuditEvent) => string): AuditSink {
  let socket: UdpSocket | undefined
  return {
    name,
    batch: 100,
    async send(events, signal) {
      socket ??= createSocket(isIPv6(host) ? 'udp6' : 'udp4').on('error', () => {
        socket?.close()
        socket = undefined
      })
      for (const event of events) {
        signal.throwIfAborted()
        const bytes = Buffer.from(textOf(event)).subarray(0, DATAGRAM)
        await new Promise<void>((resolve, reject) =>
          socket!.send(bytes, port, host, (error) => (error === null ? resolve() : reject(error))),
        )
      }
    },
    async close() {
      socket?.close()
      socket = undefined
    },
  }
}

function openStream(config: SyslogConfig, textOf: (event: AuditEvent) => string): AuditSink {
  const { name, transport, host, port, ca } = config
  let socket: Socket | undefined
  /** The batch that was written last: it may not have arrived when the connection breaks. */
  let before: Buffer = Buffer.alloc(0)

  async function connect(signal: AbortSignal): Promise<Socket> {
    const trust = await trustOf(ca)
    const opened =
      transport === 'tls'
        ? connectTls({ host, port, ...trust, ...(isName(host) && { servername: host }) })
        : connectTcp({ host, port })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const give = (error: unknown): void => reject(error)
    const timer = setTimeout(() => give(late(host)), CONNECT)
    const onAbort = (): void => give(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    opened.once('error', give)
    opened.once(transport === 'tls' ? 'secureConnect' : 'connect', () => resolve())
    try {
      await promise
    } catch (error) {
      opened.destroy()
      throw error
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
    // A receiver that goes away says so by its end; what it might say otherwise means nothing.
    opened.on('error', () => opened.destroy())
    opened.on('end', () => opened.destroy())
    opened.on('close', () => {
      if (socket === opened) socket = undefined
    })
    opened.resume()
    opened.setKeepAlive(true, 30_000)
    return opened
  }

  function write(to: Socket, bytes: Buffer, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onClose = (): void =>
      reject(new ModsteadError('upstream_failed', `${host} has closed the connection`))
    const onAbort = (): void => {
      to.destroy()
      reject(signal.reason as Error)
    }
    to.once('close', onClose)
    signal.addEventListener('abort', onAbort, { once: true })
    to.write(bytes, (error) => (error === undefined || error === null ? resolve() : reject(error)))
    return promise.finally(() => {
      to.off('close', onClose)
      signal.removeEventListener('abort', onAbort)
    })
  }

  return {
    name,
    batch: 500,
    async send(events, signal) {
      const bytes = Buffer.concat(events.map((event) => framed(textOf(event))))
      if (socket === undefined || socket.destroyed) {
        const opened = await connect(signal)
        socket = opened
        if (before.length > 0) await write(opened, before, signal)
      }
      await write(socket, bytes, signal)
      before = bytes
    },
    async close() {
      const open = socket
      socket = undefined
      if (open === undefined) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => open.destroy(), 1_000)
        open.once('close', () => {
          clearTimeout(timer)
          resolve()
        })
        open.end(() => open.destroySoon())
      })
    },
  }
}

function isName(host: string): boolean {
  return !/^[\d.]+$|:/.test(host)
}

function late(host: string): ModsteadError {
  return new ModsteadError('upstream_timeout', `${host} did not take the connection in ${CONNECT / 1000} s`)
}
