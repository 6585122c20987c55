/** Tags of DER (X.690): what stands before the times of a list. */
const SEQUENCE = 0x30
const INTEGER = 0x02
const UTC_TIME = 0x17
const GENERALIZED_TIME = 0x18

/**
 * When the first of the revocation lists in a PEM file ends, by its `nextUpdate` (RFC 5280, section 5.1.2.5), in
 * milliseconds since the epoch; `undefined` where none says it. From then on OpenSSL takes no certificate that the list
 * is for. That the lists are well-formed is OpenSSL's to say.
 */
export function firstEndOf(pem: string): number | undefined {
  const blocks = pem.matchAll(/-----BEGIN X509 CRL-----([^-]+)-----END X509 CRL-----/g)
  const ends = Array.from(blocks, ([, base64]) => nextUpdateOf(Buffer.from(base64!, 'base64')))
  const known = ends.filter((end) => end !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}

interface Element {
  tag: number
  /** Where its contents begin, and where the next element does. */
  start: number
  end: number
}

/** `CertificateList { tbsCertList { [version], signature, issuer, thisUpdate, [nextUpdate] … } … }` */
function nextUpdateOf(der: Buffer): number | undefined {
  const inner = elementAt(der, elementAt(der, 0).start)
  let element = elementAt(der, inner.start)
  if (element.tag === INTEGER) element = elementAt(der, element.end)
  const issuer = elementAt(der, element.end)
  const thisUpdate = elementAt(der, issuer.end)
  if (element.tag !== SEQUENCE || issuer.tag !== SEQUENCE || thisUpdate.end >= inner.end) return undefined
  const { tag, start, end } = elementAt(der, thisUpdate.end)
  return tag === UTC_TIME || tag === GENERALIZED_TIME ? timeOf(der.toString('latin1', start, end)) : undefined
}

function elementAt(der: Buffer, at: number): Element {
  const tag = der[at] ?? 0
  const first = der[at + 1] ?? 0
  if (first < 0x80) return { tag, start: at + 2, end: at + 2 + first }
  const bytes = first & 0x7f
  const start = at + 2 + bytes
  if (bytes === 0 || bytes > 4 || start > der.length) return { tag, start: der.length, end: der.length }
  return { tag, start, end: start + der.readUIntBE(at + 2, bytes) }
}

/** `YYMMDDHHMMSSZ` of 1950 to 2049, or `YYYYMMDDHHMMSSZ`. */
function timeOf(text: string): number | undefined {
  const full = text.length === 13 ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full) ?? []
  const [year, month, day, hour, minute, second] = parts.map(Number)
  return year === undefined ? undefined : Date.UTC(year, month! - 1, day, hour, minute, second)
}
