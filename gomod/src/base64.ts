/**
 * Standard base64 with padding, read strictly: only what `encodeBase64` writes is accepted. (Go's decoder lets the
 * unused bits of the last character be anything; then two texts mean one signature, which nobody needs.)
 */

export function encodeBase64(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64')
}

/** The bytes of `text`; `undefined` where it is not what `encodeBase64` gives for any. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
