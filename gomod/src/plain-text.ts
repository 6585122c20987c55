/**
 * The text that signed notes and log records may consist of: valid UTF-8 without ASCII control characters (below
 * U+0020) other than the newline.
 */
import { isUtf8 } from 'node:buffer'

/** The text of `bytes`; `undefined` where they are no plain text. Encoding it again gives the same bytes. */
export function decodePlainText(bytes: Uint8Array): string | undefined {
  if (!isUtf8(bytes)) return undefined
  const text = decoder.decode(bytes)
  return CONTROL.test(text) ? undefined : text
}

/** The bytes of `text`; `undefined` where it is no plain text. */
export function encodePlainText(text: string): Uint8Array | undefined {
  return text.isWellFormed() && !CONTROL.test(text) ? encoder.encode(text) : undefined
}

const CONTROL = /[\u0000-\u0009\u000b-\u001f]/
// A byte order mark is a character like any other here: signatures cover it.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()
