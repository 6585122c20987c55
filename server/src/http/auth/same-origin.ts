import type { IncomingMessage } from 'node:http'
import { ModsteadError } from '../../errors.ts'

/**
 * Refuses a request that a page of another site made a browser send. `Sec-Fetch-Site` says it of its own (W3C Fetch
 * Metadata), `Origin` (RFC 6454) must be that of `address`, where the request reached this server, or the `Host` header's.
 *
 * `unknown` says that the client sent neither, as text browsers and programs do: then something else must prove where the
 * request comes from. Throws `not_permitted`.
 */
export function checkOrigin(
  { headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>,
  address: string,
): 'same' | 'unknown' {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin') throw foreign()
  const { origin, host } = headers
  if (origin === undefined) return site === undefined ? 'unknown' : 'same'
  const url = URL.parse(origin)
  // Who ends TLS in front of this server speaks HTTP with it.
  const schemes = 'encrypted' in socket ? ['https:'] : ['http:', 'https:']
  const asNamed = url !== null && url.host === host?.toLowerCase() && schemes.includes(url.protocol)
  if (!asNamed && url?.origin !== new URL(address).origin) throw foreign()
  return 'same'
}

function foreign(): ModsteadError {
  return new ModsteadError('not_permitted', 'the request was made by a page of another site', {
    next: 'open the page of this server yourself, and do it there',
  })
}
