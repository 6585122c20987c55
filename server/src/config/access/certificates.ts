import { z } from 'zod'
import { type BuildContext, complain, shown } from '../context.ts'
import { text, texts } from '../fields.ts'
import type { KeyPath } from '../problems.ts'
import type { CertificateRule, NameMatch } from './access-config.ts'

export const certificateSchema = z.strictObject({
  subject: text('attributes such as "CN=build-*,OU=ci,O=Corp"')
    .optional()
    .describe(
      'Attributes of the subject, each with a value: all of them must be there, as often as they are written here, and others may be. `*` stands for one or more characters; a comma in a value is written `\\,`.',
    ),
  san: text('"dns:PATTERN", "email:PATTERN" or "uri:PATTERN"')
    .optional()
    .describe(
      'Instead of `subject`: an alternative name, `dns:*.ci.corp.example`, `email:*@corp.example` or `uri:spiffe://corp.example/ns/*/sa/*`. `*` stands for one label of a host, one side of the `@`, one element of a path.',
    ),
  as: text('"user:NAME", "service:NAME" or "workload:NAME"').describe(
    'Whom the certificate names, as in bindings: `workload:{1}`. `{1}`, `{2}` … are what the stars stood for, `{0}` is the whole alternative name.',
  ),
  groups: texts('the name of a group').optional().describe('Groups of that one, with the same braces.'),
})

type FileRule = z.output<typeof certificateSchema>

/** The entries of `certificates`. `trustDomains` are those that `tls` has authorities for. */
export function buildCertificates(
  context: BuildContext,
  at: KeyPath,
  rules: readonly FileRule[],
  trustDomains: readonly string[],
): CertificateRule[] {
  return rules.flatMap((file, index) => buildRule(context, [...at, index], file, trustDomains) ?? [])
}

function buildRule(
  context: BuildContext,
  path: KeyPath,
  file: FileRule,
  trustDomains: readonly string[],
): CertificateRule | undefined {
  const { subject, san, as, groups = [] } = file
  if ((subject === undefined) === (san === undefined)) {
    complain(context, path, 'expected either subject or san')
    return undefined
  }
  const key = [...path, subject === undefined ? 'san' : 'subject']
  const match = subject === undefined ? parseAlternative(san!) : parseSubjectPattern(subject)
  if (typeof match === 'string') {
    complain(context, key, `expected ${match}, found ${shown(context, key, (subject ?? san)!)}`)
    return undefined
  }
  const domain = match.kind === 'uri' ? spiffeDomain(match.pattern) : undefined
  if (domain !== undefined && !trustDomains.includes(domain))
    complain(context, key, `${domain} is not one of tls.trustDomains: nobody could prove such an id`)
  const [, kind, name] = /^(user|service|workload):(\S+)$/.exec(as) ?? []
  if (kind === undefined || name === undefined) {
    complain(
      context,
      [...path, 'as'],
      `expected "user:NAME", "service:NAME" or "workload:NAME", found ${shown(context, [...path, 'as'], as)}`,
    )
    return undefined
  }
  const stars = starsOf(match)
  for (const [place, given] of [
    [[...path, 'as'], as] as const,
    ...groups.map((group) => [[...path, 'groups'], group] as const),
  ])
    for (const [brace, number] of given.matchAll(/\{([^}]*)\}/g))
      if (!/^\d+$/.test(number!) || Number(number) > stars || (number === '0' && match.kind === 'subject'))
        complain(
          context,
          place,
          `${brace} stands for nothing: the pattern has ${stars} ${stars === 1 ? 'star' : 'stars'}`,
        )
  return { match, as: { kind: kind as CertificateRule['as']['kind'], name }, groups }
}

const SUBJECT = 'attributes such as "CN=build-*,OU=ci,O=Corp"'
/** As OpenSSL names them; others can be written as the numbers of their object identifier. */
const ATTRIBUTES = [
  'CN',
  'OU',
  'O',
  'C',
  'L',
  'ST',
  'DC',
  'UID',
  'emailAddress',
  'serialNumber',
  'GN',
  'SN',
  'title',
]

/** Commas separate attributes, and a backslash before one makes it part of a value (RFC 4514, section 2.4). */
function parseSubjectPattern(written: string): NameMatch | string {
  const attributes = new Map<string, string[]>()
  for (const part of written.split(/(?<!\\),/)) {
    const [, given, value] = /^\s*([A-Za-z]+|\d+(?:\.\d+)+)=(.*\S)\s*$/s.exec(part) ?? []
    const name =
      given !== undefined && /^\d/.test(given)
        ? given
        : ATTRIBUTES.find((known) => known.toLowerCase() === given?.toLowerCase())
    if (name === undefined || value === undefined) return `${SUBJECT} of ${ATTRIBUTES.join(', ')} or numbers`
    const values = attributes.get(name)
    const pattern = value.replaceAll(String.raw`\,`, ',')
    if (values === undefined) attributes.set(name, [pattern])
    else values.push(pattern)
  }
  return { kind: 'subject', attributes }
}

function parseAlternative(written: string): NameMatch | string {
  const [, kind, pattern] = /^(dns|email|uri):(\S+)$/.exec(written) ?? []
  switch (kind) {
    case 'dns':
      if (/^[\w.*-]+$/.test(pattern!)) return { kind, pattern: pattern!.toLowerCase() }
      return 'a host such as dns:*.ci.corp.example'
    case 'email': {
      const [, local, host] = /^([^@]+)@([\w.*-]+)$/.exec(pattern!) ?? []
      if (host === undefined) return 'an address such as email:*@corp.example'
      return { kind, pattern: `${local}@${host.toLowerCase()}` }
    }
    case 'uri':
      if (spiffeDomain(pattern!) === '')
        return 'a trust domain in lower case and without stars in uri:spiffe://corp.example/ci/*'
      return { kind, pattern: pattern! }
    default:
      return '"dns:PATTERN", "email:PATTERN" or "uri:PATTERN"'
  }
}

/** The trust domain of a pattern for SPIFFE ids; `''` where it has none that could be one. */
function spiffeDomain(pattern: string): string | undefined {
  if (!/^spiffe:/i.test(pattern)) return undefined
  return /^spiffe:\/\/([a-z0-9._-]+)\/[^?#]+$/.exec(pattern)?.[1] ?? ''
}

function starsOf(match: NameMatch): number {
  const patterns = match.kind === 'subject' ? [...match.attributes.values()].flat() : [match.pattern]
  return patterns.join('').split('*').length - 1
}

/** An entry of `certificates` as a file would say it. */
export function describeCertificate({ match, as, groups }: CertificateRule): Record<string, unknown> {
  return {
    ...(match.kind === 'subject'
      ? { subject: formatSubjectPattern(match.attributes) }
      : { san: `${match.kind}:${match.pattern}` }),
    as: `${as.kind}:${as.name}`,
    ...(groups.length > 0 && { groups: [...groups] }),
  }
}

function formatSubjectPattern(attributes: ReadonlyMap<string, readonly string[]>): string {
  return [...attributes]
    .flatMap(([name, values]) => values.map((value) => `${name}=${value.replaceAll(',', String.raw`\,`)}`))
    .join(',')
}
