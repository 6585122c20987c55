/** Reads txtar archives, the format of the test cases of golang.org/x/mod. For tests. */
import { readFileSync } from 'node:fs'

/** A txtar archive: settings in front (`key=value` lines; `#` starts a comment), then files. */
export interface Txtar {
  readonly settings: ReadonlyMap<string, string>
  readonly files: readonly { readonly name: string; readonly data: Buffer }[]
}

/** Reads the archive in `file`. What is not UTF-8 becomes U+FFFD in settings and names, and stays in data. */
export function readTxtar(file: string): Txtar {
  const bytes = readFileSync(file)
  // Latin-1 keeps every byte, and the lines that matter here are ASCII.
  const [comment = '', ...parts] = bytes.toString('latin1').split(/^-- (.+?) --\r?\n/m)
  const files = []
  for (let i = 0; i + 1 < parts.length; i += 2) {
    files.push({ name: utf8(parts[i]!), data: Buffer.from(parts[i + 1]!, 'latin1') })
  }
  const settings = new Map<string, string>()
  for (const line of utf8(comment).split('\n')) {
    const [key = '', value] = line.replace(/#.*/, '').split(/=(.*)/)
    if (value !== undefined) settings.set(key.trim(), value.trim())
  }
  return { settings, files }
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8')
}
