import type { Socket } from 'node:net'
import { ModsteadError } from '../errors.ts'
import { http } from './node-http.ts'
import { refusalFor } from './statuses.ts'

/** How long a refused connection stays open for its client to read the answer while it may still be sending. */
const LINGER = 1000

/**
 * The refusal for what the HTTP parser reports, or `undefined` where nobody is to be answered: the connection broke,
 * the TLS handshake failed, or a connection opened in advance was never used.
 */
export function refusalOfClientError(
  error: NodeJS.ErrnoException,
  socket: Socket,
): ModsteadError | undefined {
  const code = error.code ?? ''
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    if (socket.bytesRead === 0) return undefined
    return new ModsteadError('request_timeout', 'the request did not arrive whole in time')
  }
  if (code === 'HPE_HEADER_OVERFLOW')
    return new ModsteadError('headers_too_large', 'the headers of the request are larger than 16 KiB')
  if (code === 'HPE_INVALID_METHOD')
    return new ModsteadError('method_not_allowed', 'the method of the request is not known here')
  if (code.startsWith('HPE_'))
    return new ModsteadError(
      'bad_request',
      `the request breaks the rules of HTTP (${code.slice('HPE_'.length)})`,
    )
  return undefined
}

/** Writes a whole refusal to a connection that has no response object, and closes it. Returns the status. */
export function refuseConnection(socket: Socket, error: ModsteadError): number {
  const { status, headers, body } = refusalFor(error)
  const lines = [`HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}`, `Date: ${new Date().toUTCString()}`]
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`)
  // After CONNECT nobody else listens, and an error without a listener would end the process.
  socket.on('error', () => socket.destroy())
  socket.end(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n${body}`)
  // Closing at once would reset a client that is still sending, and it would not see the answer.
  socket.resume()
  setTimeout(() => socket.destroy(), LINGER).unref()
  return status
}
