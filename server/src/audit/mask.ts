import { createHmac } from 'node:crypto'

/** How names stand in the log: as they are, only begun, or as a keyed hash that is the same for the same name. */
export type Mask = 'none' | 'partial' | 'hash'

/**
 * Makes the function that masks a name. `partial` gives `u***@corp.example` for a name with a domain and `a***` for
 * others. `key` is secret, so that nobody finds names by hashing all they can think of.
 */
export function createMask(mask: Mask, key: string): (name: string) => string {
  if (mask === 'none') return (name) => name.slice(0, 300)
  if (mask === 'partial') return partly
  return (name) =>
    name === '' ? '' : `h:${createHmac('sha256', key).update(name).digest('hex').slice(0, 24)}`
}

function partly(name: string): string {
  if (name === '') return ''
  const at = name.lastIndexOf('@')
  const [first = ''] = name
  return `${first}***${at > 0 ? name.slice(at, at + 256) : ''}`
}
