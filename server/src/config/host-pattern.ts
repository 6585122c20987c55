/** Names of hosts in the configuration of git origins: patterns of hosts, and places that credentials are for. */
import { checkPattern } from '@modstead/gomod/pattern'

/** A host with what is said of its port and path. */
export interface HostPlace {
  /** In lower case; a glob where it is a pattern. IPv6 in brackets. */
  host: string
  /** Absent: the usual one of the scheme. */
  port?: string
  /** Elements of the path below which the place is; none for the whole host. */
  path: readonly string[]
}

const NAME = /^[a-z0-9_][a-z0-9_.-]*$/
const PORT = /^(\[[^\]/]*\]|[^:]*)(?::([1-9]\d{0,4}))?$/

/** Reads `git.corp.example`, `*.corp.example` or `git.corp.example:8443`; otherwise completes "expected …". */
export function parseHostPattern(text: string): HostPlace | string {
  const place = splitPort(text)
  if (place === undefined) return 'a host such as git.corp.example, without scheme and path'
  const { host } = place
  if (/^\[[0-9a-f:.]+\]$/.test(host)) return { ...place, path: [] }
  const problem = checkPattern(host)
  if (problem !== undefined) return `a host pattern that can match (${problem})`
  if (isAnyHost(host))
    return 'a host pattern that says more than "any host": credentials go to all it matches'
  return { ...place, path: [] }
}

/** Reads `git.corp.example`, `git.corp.example:8443` or either with a path; otherwise completes "expected …". */
export function parseCredentialPlace(text: string): HostPlace | string {
  const [authority = '', ...path] = text.replace(/\/$/, '').split('/')
  const place = splitPort(authority.toLowerCase())
  if (place === undefined || !(NAME.test(place.host) || /^\[[0-9a-f:.]+\]$/.test(place.host)))
    return 'a host such as git.corp.example, or a host and a path, without a scheme'
  if (path.some((element) => !/^[\w~-][\w.~-]*$/.test(element)))
    return 'a path of plain names, without "..", escapes or wildcards'
  return { ...place, path }
}

/** The hosts of module patterns: of `corp.example/team/*` the host, of a pattern for any host none. */
export function hostsOfPatterns(patterns: readonly string[]): string[] {
  return patterns
    .map((pattern) => pattern.split('/')[0]!)
    .filter((host) => host !== '' && typeof parseHostPattern(host) !== 'string')
}

function splitPort(text: string): Pick<HostPlace, 'host' | 'port'> | undefined {
  const [, host = '', port] = PORT.exec(text) ?? []
  if (host === '' || host.includes('/') || Number(port ?? 1) > 65_535) return undefined
  return port === undefined ? { host } : { host, port }
}

function isAnyHost(host: string): boolean {
  return !/[a-z0-9]/i.test(host.replaceAll(/\[[^\]]*\]/g, ''))
}
