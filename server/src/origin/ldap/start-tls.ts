import type { Socket } from 'node:net'
import type { LdapServer } from '../../config/access/ldap.ts'
import { unavailable } from './failures.ts'

/** The ExtendedRequest of StartTLS with message id 1, in BER: RFC 4511, section 4.14.1. */
const REQUEST = Buffer.concat([
  Buffer.from([0x30, 0x1d, 0x02, 0x01, 0x01, 0x77, 0x18, 0x80, 0x16]),
  Buffer.from('1.3.6.1.4.1.1466.20037'),
])
/** Bytes of an answer at most: a result, a sentence and a name. */
const LONGEST = 4096

/**
 * Asks for TLS on a fresh connection, and settles when the server agreed. The connection is then paused, and nothing
 * that came in the clear is left over: whatever the server, or somebody on the way, has sent beyond its answer is a
 * failure, so that it cannot be taken for something said within TLS. Throws `directory_unavailable`.
 */
export async function askForTls(socket: Socket, server: LdapServer): Promise<void> {
  const answer = Promise.withResolvers<void>()
  let received = Buffer.alloc(0)
  const onData = (chunk: Buffer): void => {
    received = Buffer.concat([received, chunk])
    const result = resultIn(received)
    if (result === 'more' && received.length < LONGEST) return
    // Before anything else can come: it is TLS from here on.
    socket.pause()
    if (result === 0) answer.resolve()
    else if (typeof result === 'number')
      answer.reject(
        unavailable(server, `does not speak TLS on this port (result ${result})`, {
          next: 'use ldaps:// where it has that, or give it a certificate',
        }),
      )
    else answer.reject(unavailable(server, 'gave no answer to StartTLS that can be understood'))
  }
  const onEnd = (): void =>
    answer.reject(unavailable(server, 'broke the connection when it was asked for TLS'))
  socket.on('data', onData).once('error', onEnd).once('close', onEnd)
  try {
    socket.write(REQUEST)
    await answer.promise
  } finally {
    socket.off('data', onData).off('error', onEnd).off('close', onEnd)
  }
}

/** The result code of an ExtendedResponse to message 1 that fills `bytes`; `more` where some are missing. */
export function resultIn(bytes: Buffer): number | 'more' | 'other' {
  const message = elementAt(bytes, 0)
  if (message === 'more') return 'more'
  if (message.tag !== 0x30) return 'other'
  if (bytes.length < message.end) return 'more'
  if (bytes.length > message.end) return 'other'
  const id = elementAt(bytes, message.start)
  if (id === 'more' || id.tag !== 0x02 || id.end !== id.start + 1 || bytes[id.start] !== 1) return 'other'
  const response = elementAt(bytes, id.end)
  if (response === 'more' || response.tag !== 0x78 || response.end > message.end) return 'other'
  const result = elementAt(bytes, response.start)
  if (result === 'more' || result.tag !== 0x0a || result.end !== result.start + 1) return 'other'
  return bytes[result.start] ?? 'other'
}

/** Tag and place of the element that begins at `at`. Lengths have four bytes at most. */
function elementAt(bytes: Buffer, at: number): { tag: number; start: number; end: number } | 'more' {
  const [tag, length] = [bytes[at], bytes[at + 1]]
  if (tag === undefined || length === undefined) return 'more'
  if (length < 0x80) return { tag, start: at + 2, end: at + 2 + length }
  const octets = length & 0x7f
  if (octets === 0 || octets > 4) return { tag: -1, start: at, end: at }
  if (bytes.length < at + 2 + octets) return 'more'
  const start = at + 2 + octets
  return { tag, start, end: start + bytes.readUIntBE(at + 2, octets) }
}
