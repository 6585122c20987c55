import type { X509Certificate } from 'node:crypto'
import type { CertificateRule } from '../../config/access/access-config.ts'
import type { Judgement } from '../credential.ts'
import { joinPerson } from '../join-person.ts'
import type { People } from '../people.ts'
import { parseAlternativeNames } from './alternative-names.ts'
import { type CertificateNames, compileRules, type Named } from './certificate-rules.ts'
import type { CertificatesByConnection, ClientCertificate } from './client-certificate.ts'
import { isSpiffe, trustDomainOf } from './spiffe.ts'

/** What connections prove by themselves, whatever comes over them. */
export interface ConnectionCredential {
  /** Whether the connection presented something. */
  has(connection: object): boolean
  /** What came of it; `undefined` where it presented nothing. Rejects as `People.find`. */
  judge(connection: object, now: number): Promise<Exclude<Judgement, 'not mine'>> | undefined
}

export interface CertificatesOptions {
  rules: readonly CertificateRule[]
  presented: CertificatesByConnection
  people: People
}

/** How long a certificate counts without a look at the clock. Milliseconds. */
const FRESH = 60_000
/** id-kp-clientAuth: RFC 5280, section 4.2.1.12. */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

type Outcome = Exclude<Judgement, 'not mine'>
type Refused = Extract<Outcome, { refusal: string }>

/** Judges client certificates by rules about their names. What a certificate says is read once for each connection. */
export function createCertificates({ rules, presented, people }: CertificatesOptions): ConnectionCredential {
  const find = compileRules(rules)
  const read = new WeakMap<ClientCertificate, Named | Refused>()

  function readOnce(given: ClientCertificate): Named | Refused {
    let outcome = read.get(given)
    if (outcome === undefined) read.set(given, (outcome = namedBy(given)))
    return outcome
  }

  function namedBy(given: ClientCertificate): Named | Refused {
    if (given.problem !== undefined)
      return refused(given.problem, { proof: { result: given.expired === true ? 'expired' : 'failed' } })
    const names = namesOf(given)
    if (typeof names === 'string') return refused(names)
    const named = find(names)
    if (named === undefined)
      return refused('fits no rule of this server', { next: 'ask who runs it for a rule, or send a token' })
    return named === 'unfit' ? refused('names somebody with characters that no name may have') : named
  }

  async function judge(given: ClientCertificate, now: number): Promise<Outcome> {
    const named = readOnce(given)
    if ('refusal' in named) return named
    // A connection may outlive the certificate that it began with.
    const left = given.certificate.validToDate.getTime() - now
    const { id, kind } = named
    if (left <= 0)
      return refused('has ended', {
        next: 'open a new connection with the one that replaces it',
        proof: { result: 'expired', principal: { id, kind } },
      })
    const expires = now + left
    const joined = await joinPerson({ id, kind, groups: named.groups, expires }, people)
    if (joined === undefined)
      return refused('names somebody who is no user of the directory any more', {
        proof: { result: 'failed', principal: { id, kind } },
      })
    // It was seen here: nobody else may say another.
    const claims = { ...joined.claims, certificate: given.certificate.fingerprint256 }
    const principal = { ...joined, claims }
    return { principal, fresh: Math.min(FRESH, left) }
  }

  return {
    has: (connection) => presented.has(connection),
    judge(connection, now) {
      const given = presented.get(connection)
      return given && judge(given, now)
    },
  }
}

/** The names of a certificate, or why it proves nobody. */
function namesOf({ certificate, trustDomain }: ClientCertificate): CertificateNames | string {
  // OpenSSL has seen to both already; these do not depend on how it was asked.
  if (certificate.ca) return 'is that of an authority'
  if (certificate.keyUsage !== undefined && !certificate.keyUsage.includes(CLIENT_AUTH))
    return 'is not one for clients (extended key usage)'
  const alternative = parseAlternativeNames(certificate.subjectAltName)
  if (alternative === undefined) return 'has names that cannot be read'
  const uris = alternative.filter(({ type }) => type === 'URI').map(({ value }) => value)
  if (trustDomain === undefined) {
    if (uris.some(isSpiffe)) return 'has a SPIFFE id, and this is not the address for its trust domain'
    return { subject: subjectOf(certificate), alternative }
  }
  // X509-SVID, section 2 and 5.2: exactly one URI, and it says all.
  const [id] = uris
  if (uris.length !== 1) return 'has no SPIFFE id, or more than one URI'
  if (trustDomainOf(id!) !== trustDomain) return `has no SPIFFE id of a workload of ${trustDomain}`
  return { subject: new Map(), alternative: [{ type: 'URI', value: id! }] }
}

/**
 * The attributes of the subject as they are, so that nothing in a value can be taken for another attribute: the text
 * that node has of a subject has a line for each, and values with line breaks.
 */
function subjectOf(certificate: X509Certificate): Map<string, readonly string[]> {
  const { subject } = certificate.toLegacyObject() as { subject?: Record<string, string | string[]> }
  return new Map(Object.entries(subject ?? {}).map(([name, value]) => [name, [value].flat()]))
}

function refused(problem: string, more: Omit<Refused, 'refusal'> = {}): Refused {
  return {
    refusal: `the client certificate of the connection ${problem}`,
    next: 'check the certificate, or send a token instead',
    proof: { result: 'failed' },
    ...more,
  }
}
