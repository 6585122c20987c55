/** Checksum databases by name, and what the environment variable GOSUMDB can say, as cmd/go reads it. */
import { GomodError } from '../error.ts'
import { parseVerifierKey } from '../note.ts'
import { shown } from '../quote.ts'

/** Databases that need no key in GOSUMDB: their verifier keys by name. cmd/go knows the same. */
export const KNOWN_SUMDBS: ReadonlyMap<string, string> = new Map([
  ['sum.golang.org', 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8'],
])

/** What `go` uses where GOSUMDB is not set or empty. */
export const DEFAULT_GOSUMDB = 'sum.golang.org'

/** A checksum database as GOSUMDB names it. */
export interface Gosumdb {
  /** `host` or `host/path`: where it is, and what its key is called. */
  readonly name: string
  readonly vkey: string
  /** Where to ask instead of the proxies and `https://<name>`. */
  readonly url?: string
}

/**
 * Reads a value of GOSUMDB: `off`, the name of a known database, or a verifier key, the latter two with a URL behind
 * a space if need be. Throws GomodError `invalid_gosumdb`.
 */
export function parseGosumdb(value: string): { readonly off: true } | Gosumdb {
  if (value === 'off') return { off: true }
  const [key, url, ...more] = (ALIASES.get(value) ?? value).split(SPACES).filter((field) => field !== '')
  if (key === undefined) throw invalid(value, 'it is empty: write off or the name of a database')
  if (more.length > 0) throw invalid(value, 'it has more than a key and a URL')
  const vkey = KNOWN_SUMDBS.get(key) ?? key
  const name = nameOfKey(vkey, value)
  if (!HOST_AND_PATH.test(name) || !URL.canParse(`https://${name}`))
    throw invalid(value, `the database must be called host or host/path, not ${shown(name)}`)
  if (url === undefined) return { name, vkey }
  if (!URL_SCHEMES.has(URL.parse(url)?.protocol ?? ''))
    throw invalid(value, `${shown(url)} is not a URL of http, https or file`)
  return { name, vkey, url }
}

/** Whole values with a meaning of their own. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['sum.golang.google.cn', 'sum.golang.org https://sum.golang.google.cn'],
])

/** What cmd/go can fetch from. */
const URL_SCHEMES: ReadonlySet<string> = new Set(['http:', 'https:', 'file:'])

/** What Go takes for space. */
const SPACES = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/

/**
 * A host, a port if need be, and a path that needs no escapes. (cmd/go also lets an empty port and empty elements of
 * the path pass, which is how `https://host` can be taken for a name.)
 */
const HOST_AND_PATH = /^(?:[\w.~!$&'()*,;=-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?(?:\/[\w.~$&,;=:@-]+)*$/

function nameOfKey(vkey: string, value: string): string {
  try {
    return parseVerifierKey(vkey).name
  } catch (cause) {
    const why = `${shown(vkey)} is neither a verifier key nor the name of a known database`
    throw new GomodError('invalid_gosumdb', message(value, why), { cause })
  }
}

function invalid(value: string, why: string): GomodError {
  return new GomodError('invalid_gosumdb', message(value, why))
}

function message(value: string, why: string): string {
  return `GOSUMDB=${shown(value)} is not valid: ${why}`
}
