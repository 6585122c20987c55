import { GomodError } from '@modstead/gomod/error'
import { generateKey } from '@modstead/gomod/note'
import { parseGosumdb } from '@modstead/gomod/sumdb/known'

/**
 * What is wrong with `name` for a checksum database of one's own: a sentence, or undefined where it will do. `go` takes
 * a host, or a host with a path, and no name that it knows by itself: that would stand for another key.
 */
export function logNameProblem(name: string): string | undefined {
  if (accepted(name))
    return `${name} means something to every go already: take a host name of your own, such as go.corp.example`
  if (accepted(keyCalled(name))) return undefined
  return `${JSON.stringify(name)} cannot name a checksum database: it must be a host or host/path, such as go.corp.example`
}

/** Some key of that name; `''` for what no key can be called. */
function keyCalled(name: string): string {
  try {
    return generateKey(name, new Uint8Array(32)).vkey
  } catch (error) {
    if (error instanceof GomodError) return ''
    throw error
  }
}

function accepted(gosumdb: string): boolean {
  try {
    parseGosumdb(gosumdb)
    return true
  } catch (error) {
    if (error instanceof GomodError) return false
    throw error
  }
}
