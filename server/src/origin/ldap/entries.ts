import type { Entry } from 'ldapts'

/** The texts of an attribute, whatever the case the server writes its name in; none where it is not there. */
export function textsOf(entry: Entry, attribute: string): string[] {
  const wanted = attribute.toLowerCase()
  for (const [name, value] of Object.entries(entry)) {
    if (name.toLowerCase() !== wanted || name === 'dn') continue
    const values: (string | Buffer)[] = Array.isArray(value) ? value : [value]
    return values.filter((one) => typeof one === 'string')
  }
  return []
}

/** The name of a user or group, if it can be one here: no control characters, 256 characters at most. */
export function nameOf(entry: Entry, attribute: string, form: 'user' | 'group'): string | undefined {
  const [name] = textsOf(entry, attribute)
  // In bindings stand names such as user:alice and group:Domain Users.
  const fits = form === 'user' ? /^[^\s:\p{Cc}]{1,256}$/u : /^[^\s:\p{Cc}]+( [^\s:\p{Cc}]+)*$/u
  return name !== undefined && name.length <= 256 && fits.test(name) ? name : undefined
}

/** The attributes that say whether an account may be used, as far as a directory has them. */
export const STANDING = [
  'userAccountControl',
  'accountExpires',
  'shadowExpire',
  'pwdAccountLockedTime',
  'nsAccountLock',
]

const DAY = 86_400_000
/** 1601-01-01 in milliseconds since the epoch. */
const WINDOWS_EPOCH = -11_644_473_600_000

/**
 * Whether the account was ended by somebody: `ACCOUNTDISABLE` of userAccountControl and accountExpires (Active Directory),
 * shadowExpire (RFC 2307, days since the epoch), a pwdAccountLockedTime without an end (000001010000Z), nsAccountLock. A
 * lock that guesses have caused is none: it ends by itself, and whoever guesses at a password must not end tokens.
 */
export function isEnded(entry: Entry, now: number): boolean {
  const [control] = textsOf(entry, 'userAccountControl')
  const [expires] = textsOf(entry, 'accountExpires')
  const [shadow] = textsOf(entry, 'shadowExpire')
  const ticks = Number(expires ?? 0)
  const days = Number(shadow ?? -1)
  return (
    (Number(control ?? 0) & 2) !== 0 ||
    // Both 0 and the largest number mean never.
    (ticks > 0 && ticks < 9e18 && ticks / 10_000 + WINDOWS_EPOCH <= now) ||
    (days >= 0 && days * DAY <= now) ||
    textsOf(entry, 'pwdAccountLockedTime').includes('000001010000Z') ||
    textsOf(entry, 'nsAccountLock').some((value) => value.toUpperCase() === 'TRUE')
  )
}

/** What the configured attributes say: a text, or a list where there are several. Names that are not there are left out. */
export function claimsOf(entry: Entry, attributes: ReadonlyMap<string, string>): Record<string, unknown> {
  const claims: Record<string, unknown> = {}
  for (const [claim, attribute] of attributes) {
    const texts = textsOf(entry, attribute)
      .filter((text) => text.length <= 1_000)
      .slice(0, 100)
    if (texts.length > 0) claims[claim] = texts.length === 1 ? texts[0] : texts
  }
  return claims
}

/** A name by which two ways to write a DN are the same where only case and spaces around its signs differ. */
export function dnKey(dn: string): string {
  return dn.toLowerCase().replace(/\s*([,=+])\s*/g, '$1')
}

/** Whether an entry is `base` or stands below it. */
export function isBelow(dn: string, base: string): boolean {
  const [inner, outer] = [dnKey(dn), dnKey(base)]
  if (base === '' || inner === outer) return true
  // A comma behind a backslash is part of a value.
  const [, backslashes = ''] = /(\\*),$/.exec(inner.slice(0, inner.length - outer.length)) ?? [
    undefined,
    '\\',
  ]
  return inner.endsWith(outer) && backslashes.length % 2 === 0
}
