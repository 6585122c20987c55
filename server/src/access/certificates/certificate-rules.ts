import type { CertificateRule, NameMatch } from '../../config/access/access-config.ts'
import type { AlternativeName } from './alternative-names.ts'

/** What of a certificate rules look at. */
export interface CertificateNames {
  /** Values of each attribute of the subject, in order: `CN`, `OU`, `O`, `DC` … */
  subject: ReadonlyMap<string, readonly string[]>
  alternative: readonly AlternativeName[]
}

/** Whom a rule makes of a certificate. */
export interface Named {
  kind: 'user' | 'service' | 'workload'
  id: string
  groups: string[]
}

/** How node names the types of the names that rules have. */
const TYPES = { dns: 'DNS', email: 'email', uri: 'URI' } as const
/** Characters of a name that a certificate gives; and which ones. */
const LONGEST_NAME = 256
const NAME = {
  workload: /^[A-Za-z0-9][\w.@+:/-]*$/,
  user: /^[A-Za-z0-9][\w.@+-]*$/,
  service: /^[A-Za-z0-9][\w.@+-]*$/,
}
const GROUP = /^[A-Za-z0-9][\w.@+-]*$/

/**
 * Makes the function that finds the first rule that fits, and fills its names with what the stars stood for. `'unfit'`
 * where the certificate would give a name that nobody can have: one with spaces or control characters for instance.
 */
export function compileRules(
  rules: readonly CertificateRule[],
): (names: CertificateNames) => Named | 'unfit' | undefined {
  const compiled = rules.map((rule) => ({ rule, match: matcherOf(rule.match) }))
  return (names) => {
    for (const { rule, match } of compiled) {
      const stars = match(names)
      if (stars !== undefined) return named(rule, stars)
    }
    return undefined
  }
}

/** What the stars stood for, the whole of a name first. */
type Stars = readonly string[]

function matcherOf(match: NameMatch): (names: CertificateNames) => Stars | undefined {
  if (match.kind === 'subject') return subjectMatcher(match.attributes)
  const { kind, pattern } = match
  const fits = patternMatcher(pattern, kind)
  return ({ alternative }) => {
    for (const { type, value } of alternative) {
      const stars = type === TYPES[kind] ? fits(value) : undefined
      if (stars !== undefined) return stars
    }
    return undefined
  }
}

/**
 * All attributes of the rule must be there, each with as many values as the rule has and no more: of two CNs nobody
 * could say which one counts.
 */
function subjectMatcher(
  attributes: ReadonlyMap<string, readonly string[]>,
): (names: CertificateNames) => Stars | undefined {
  const wanted = [...attributes].map(
    ([name, patterns]) => [name, patterns.map((pattern) => patternMatcher(pattern, 'subject'))] as const,
  )
  return ({ subject }) => {
    const stars = ['']
    for (const [name, matchers] of wanted) {
      const values = subject.get(name) ?? []
      if (values.length !== matchers.length) return undefined
      for (const [index, matches] of matchers.entries()) {
        const found = matches(values[index]!)
        if (found === undefined) return undefined
        stars.push(...found.slice(1))
      }
    }
    return stars
  }
}

/**
 * A star stands for one or more characters of one part of a name: of a label of a host, of what is before or after
 * the `@`, of a path element of a URI; in a subject for anything. Never for a star: a certificate for `*.corp.example`
 * is none for `a.corp.example`.
 */
const STAR = {
  subject: String.raw`([^*\p{Cc}]+)`,
  dns: '([a-z0-9_-]+)',
  email: String.raw`([^@*\p{Cc}\s]+)`,
  uri: String.raw`([^/?#*\p{Cc}\s]+)`,
} as const

function patternMatcher(pattern: string, kind: keyof typeof STAR): (value: string) => Stars | undefined {
  const source = pattern
    .split('*')
    .map((text) => text.replaceAll(/[\\^$.+?()[\]{}|]/g, String.raw`\$&`))
    .join(STAR[kind])
  // Hosts are compared without case, and so is what an address has after its @; the rest as it is.
  const regExp = new RegExp(`^${source}$`, 'u')
  return (value) => {
    const normal = kind === 'dns' ? value.toLowerCase() : kind === 'email' ? lowerHost(value) : value
    return regExp.exec(normal) ?? undefined
  }
}

/** An address with what is after its `@` in lower case. */
function lowerHost(address: string): string {
  const at = address.lastIndexOf('@')
  return at < 0 ? address : address.slice(0, at) + address.slice(at).toLowerCase()
}

function named({ as: { kind, name }, groups }: CertificateRule, stars: Stars): Named | 'unfit' {
  const filled = (text: string): string =>
    text.replaceAll(/\{(\d+)\}/g, (_, number: string) => stars[Number(number)] ?? '')
  const id = filled(name)
  const all = groups.map(filled)
  const fits = NAME[kind].test(id) && [id, ...all].every(({ length }) => length <= LONGEST_NAME)
  return fits && all.every((group) => GROUP.test(group)) ? { kind, id, groups: all } : 'unfit'
}
