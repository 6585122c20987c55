import type { IncomingHttpHeaders } from 'node:http'

/**
 * Whether a browser sends this because a page of another site wants it to. What a browser adds by itself, such as a
 * client certificate, must not count then: the person in front of it may know nothing of the request.
 *
 * `Origin` stands in everything but plain navigation and reading (Fetch, section 3.2); `Sec-Fetch-Site` says the same of
 * what pages load (Fetch Metadata, section 2.3). Programs send neither.
 */
export function isOfForeignPage(headers: IncomingHttpHeaders): boolean {
  const { origin, host } = headers
  if (origin !== undefined) return URL.parse(origin)?.host !== host?.toLowerCase()
  const site = headers['sec-fetch-site']
  const within = site === undefined || site === 'same-origin' || site === 'none'
  return !within && headers['sec-fetch-mode'] !== 'navigate'
}
