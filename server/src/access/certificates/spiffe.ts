/** Bytes: SPIFFE-ID, section 2.3. */
const LONGEST = 2048

/**
 * The trust domain of a SPIFFE id of a workload, `spiffe://TRUST-DOMAIN/PATH`, by the rules of SPIFFE-ID, section 2:
 * no port, user, query or fragment, a trust domain in lower case, a path whose elements are not empty, `.` or `..`.
 * `undefined` for everything else, an id without a path included: that is a trust domain itself, and no workload
 * (X509-SVID, section 5.2).
 */
export function trustDomainOf(id: string): string | undefined {
  if (id.length > LONGEST) return undefined
  const [, domain, path] = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)+)$/.exec(id) ?? []
  return path?.split('/').some((element) => element === '.' || element === '..') ? undefined : domain
}

/** Whether a URI wants to be a SPIFFE id, right or not: schemes are compared without case. */
export function isSpiffe(uri: string): boolean {
  return /^spiffe:/i.test(uri)
}
