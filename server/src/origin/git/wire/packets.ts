/** The packets of git's protocols (gitprotocol-common(5)): four hex digits of length, and so many bytes with them. */

/** What stands between packets: the end of a message, or of a section of it. */
export type Mark = 'flush' | 'delimiter'

/** Something that is no packet, or breaks off within one. */
export class BadPacket extends Error {
  override readonly name = 'BadPacket'
}

/** Bytes that a packet may have, its length included. */
const MAX_PACKET = 65_520

/** A packet with a line of text. */
export function packet(line: string): string {
  const bytes = Buffer.byteLength(line) + 5
  return `${bytes.toString(16).padStart(4, '0')}${line}\n`
}

export const FLUSH = '0000'
export const DELIMITER = '0001'

/** The packets of a stream, whatever the pieces it comes in. Ends with the stream; throws `BadPacket`. */
export async function* readPackets(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer | Mark, void> {
  let held: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    let at = 0
    while (held.length - at >= 4) {
      const length = lengthAt(held, at)
      if (length === 0 || length === 1) {
        at += 4
        yield length === 0 ? 'flush' : 'delimiter'
        continue
      }
      if (held.length - at < length) break
      yield held.subarray(at + 4, at + length)
      at += length
    }
    held = held.subarray(at)
  }
  if (held.length > 0) throw new BadPacket('broke off in the middle of its answer')
}

/**
 * Passes over the first message of a stream: how many of these bytes belong to whole packets of it, and whether its flush
 * packet was among them. Throws `BadPacket`.
 */
export function passMessage(bytes: Buffer): { passed: number; ended: boolean } {
  let at = 0
  while (at + 4 <= bytes.length) {
    const length = lengthAt(bytes, at)
    if (length === 0) return { passed: at + 4, ended: true }
    const next = at + (length === 1 ? 4 : length)
    if (next > bytes.length) break
    at = next
  }
  return { passed: at, ended: false }
}

/** 0 for a flush packet, 1 for a delimiter, otherwise the bytes of the packet with its four digits. */
function lengthAt(bytes: Buffer, at: number): number {
  const digits = bytes.subarray(at, at + 4).toString('latin1')
  const length = /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : -1
  if (length === 0 || length === 1 || (length >= 4 && length <= MAX_PACKET)) return length
  throw new BadPacket('sent something that is not git’s protocol')
}

/** The text of a packet, without its line break. */
export function textOf(bytes: Buffer): string {
  return bytes.toString('utf8').replace(/\n$/, '')
}
