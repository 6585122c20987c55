import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import { ModsteadError } from '../errors.ts'
import { forwardedOf } from './sender.ts'

export interface AddressOptions {
  /** Where clients reach us, without prefix; absent: as the request names us. */
  publicUrl: string | undefined
  /** `''`, or a path like `/goproxy`. */
  prefix: string
  /** Clients reach us over https even where our listener is not https. Default: they do not. */
  secure?: boolean | undefined
  /** The address where a request does not tell it. */
  fallbackAddress: () => string
}

/**
 * The address for GOPROXY: as configured, else by what a trusted proxy says was asked for, else by the Host header where
 * that is a plain host, else the listener's.
 */
export function addressFor(
  req: IncomingMessage,
  { publicUrl, prefix, secure, fallbackAddress }: AddressOptions,
): string {
  if (publicUrl !== undefined) return publicUrl + prefix
  const forwarded = forwardedOf(req)
  const { host } = forwarded?.host === undefined ? req.headers : forwarded
  if (host === undefined || !isHost(host)) return fallbackAddress()
  const said = forwarded?.proto?.toLowerCase()
  const usual = secure === true || 'encrypted' in req.socket ? 'https' : 'http'
  return `${said === 'http' || said === 'https' ? said : usual}://${host}${prefix}`
}

/** Throws `bad_request` for a request of HTTP/1.1 without a Host header (RFC 9112, section 3.2). */
export function requireHost({ httpVersion, headers }: IncomingMessage): void {
  if (httpVersion === '1.1' && headers.host === undefined)
    throw new ModsteadError('bad_request', 'the request has no Host header')
}

function isHost(host: string): boolean {
  const [, bracketed, name] = /^(?:\[([0-9a-f:.]+)\]|([0-9a-z.-]{1,253}))(?::\d{1,5})?$/i.exec(host) ?? []
  return bracketed === undefined ? name !== undefined : isIPv6(bracketed)
}

/** The name in a Host header, in lower case and without a port or a dot at its end; `undefined` where it has none. */
export function nameOfHost(header: string): string | undefined {
  const [, name] = /^([0-9a-z-]+(?:\.[0-9a-z-]+)*)\.?(?::\d{1,5})?$/i.exec(header) ?? []
  return name?.toLowerCase()
}
