import type { IncomingMessage } from 'node:http'
import { MAX_TARGET, rawTarget } from './request-path.ts'

/** A request target read as an import path. */
export interface ImportTarget {
  /** The host in lower case, without a port, and the path. Not checked beyond its characters. */
  path: string
  urlPath: string
  /** The query has `go-get=1`: `go` asks, and not a person. */
  byGo: boolean
}

/**
 * Reads host and path of a GET or HEAD as an import path; `undefined` where they cannot be one. `go` escapes nothing
 * in such paths, so that a `%` is a sign of another kind of address.
 *
 * The host of a target in absolute form wins over the Host header (RFC 9112, section 3.2.2). Two Host headers name no
 * host, and neither does an IP address in brackets.
 */
export function importTarget(req: IncomingMessage): ImportTarget | undefined {
  const target = rawTarget(req)
  if (target.length > MAX_TARGET || (req.method !== 'GET' && req.method !== 'HEAD')) return undefined
  const [, absolute, urlPath, query] =
    /^(?:https?:\/\/([^/?#]*))?(\/[\w./~+-]*|(?=\?|$))(?:\?([^#]*))?$/i.exec(target) ?? []
  if (urlPath === undefined) return undefined
  const hosts = absolute === undefined ? (req.headersDistinct.host ?? []) : [absolute]
  const [, host] = /^([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::\d{1,5})?$/i.exec(hosts[0] ?? '') ?? []
  if (host === undefined || hosts.length !== 1) return undefined
  return {
    path: host.toLowerCase() + urlPath.replace(/\/$/, ''),
    urlPath,
    byGo: query !== undefined && new URLSearchParams(query).get('go-get') === '1',
  }
}
