import { matchGlob, parseGlob } from '@modstead/gomod/glob'
import { parseCredentialPlace, parseHostPattern } from '../../../config/host-pattern.ts'
import { ModsteadError } from '../../../errors.ts'

/** Usual ports by protocol. */
const PORTS = new Map([
  ['https:', '443'],
  ['http:', '80'],
  ['ssh:', '22'],
])

/** Port of a URL; `''` where its protocol has none. */
export function portOf(url: URL): string {
  return url.port === '' ? (PORTS.get(url.protocol) ?? '') : url.port
}

/** Which URLs are on the hosts of these patterns. A pattern without a port means the usual one of the URL's scheme. */
export function createHostSet(patterns: readonly string[]): (url: URL) => boolean {
  const places = patterns.map((pattern) => {
    const place = parseHostPattern(pattern)
    if (typeof place === 'string') throw unfit(pattern, place)
    const { host } = place
    const glob = host.startsWith('[') ? undefined : parseGlob(host)
    return { ...place, glob: typeof glob === 'object' ? glob : undefined }
  })
  return (url) => {
    const host = url.hostname.toLowerCase()
    return places.some(
      ({ host: own, glob, port }) =>
        (glob === undefined ? own === host : matchGlob(glob, host)) && hasPort(url, port),
    )
  }
}

/**
 * How closely `place` (`host`, `host:port`, either with a path) names the place of `url`: the number of elements that
 * agree, host included; 0 where it is another place. Paths are compared by whole elements; `.git` at the end of the
 * last one may be missing.
 */
export function createPlace(text: string): (url: URL) => number {
  const place = parseCredentialPlace(text)
  if (typeof place === 'string') throw unfit(text, place)
  const { host, port, path } = place
  return (url) => {
    if (url.hostname.toLowerCase() !== host || !hasPort(url, port)) return 0
    const elements = url.pathname.split('/').slice(1)
    const agrees = path.every((element, index) => {
      const other = elements[index]
      return other === element || (index === elements.length - 1 && other === `${element}.git`)
    })
    return agrees ? path.length + 1 : 0
  }
}

function hasPort(url: URL, port: string | undefined): boolean {
  return portOf(url) === (port ?? PORTS.get(url.protocol))
}

function unfit(text: string, expected: string): ModsteadError {
  return new ModsteadError('config_invalid', `expected ${expected}, found ${JSON.stringify(text)}`)
}
