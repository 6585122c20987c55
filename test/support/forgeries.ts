import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { crc32 } from 'node:zlib'

export type Headers = Record<string, string>

/** Secrets that are good, to make bad ones of. */
export interface RealCredentials {
  /** Users with their passwords. */
  passwords: Readonly<Record<string, string>>
  /** `mst_…`. */
  tokens: readonly string[]
  /** Tokens of the configuration, of any form. */
  configured: readonly string[]
  /** JSON Web Tokens, of other issuers or our own. */
  jwts: readonly string[]
  /** What is public of the keys that JWTs are checked by (PEM, or JSON): somebody may take it for a secret. */
  publicKeys: readonly string[]
}

/** Random whole numbers that a seed repeats. */
export type Dice = (below: number) => number

export function createDice(seed: number): Dice {
  let state = seed >>> 0
  return (below) => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** Headers that present something that is not good, one after the other for ever. */
export function* forgeries(real: RealCredentials, dice: Dice): Generator<Headers> {
  const pick = <T>(from: readonly T[]): T => from[dice(from.length)]!
  const users = Object.keys(real.passwords)
  const everything = [...real.tokens, ...real.configured, ...real.jwts, ...Object.values(real.passwords)]
  const strangers = strangersKeys()
  const kinds: (() => Headers | undefined)[] = [
    () => present(mutated(pick(everything), dice), dice),
    () => present(mutated(pick(real.tokens), dice), dice),
    () => present(madeUpToken(dice), dice),
    () => present(mutated(pick(real.configured), dice), dice),
    () => basic(pick(users), mutated(real.passwords[pick(users)]!, dice)),
    () => basic(mutated(pick(users), dice), pick(Object.values(real.passwords))),
    () => basicOfAnother(real, users, dice),
    () => present(forgedJwt(pick(real.jwts), real, strangers, dice), dice),
    () => present(forgedJwt(pick(real.jwts), real, strangers, dice), dice),
    () => present(forgedJwt(pick(real.jwts), real, strangers, dice), dice),
    () => twoAtOnce(pick(everything), mutated(pick(everything), dice), dice),
    () => present(junk(dice), dice),
  ]
  for (;;) {
    const headers = pick(kinds)()
    if (headers !== undefined) yield headers
  }
}

function basic(user: string, password: string): Headers {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }
}

/** A password that is right, for somebody else. */
function basicOfAnother(
  { passwords }: RealCredentials,
  users: readonly string[],
  dice: Dice,
): Headers | undefined {
  const [user, other] = [users[dice(users.length)]!, users[dice(users.length)]!]
  return passwords[user] === passwords[other] ? undefined : basic(user, passwords[other]!)
}

/** One way of the many to present a secret. */
function present(secret: string, dice: Dice): Headers {
  const text = secret.replaceAll(/[^\x21-\x7e]/g, 'x')
  switch (dice(6)) {
    case 0:
      return basic('__token__', text)
    case 1:
      return basic(text, '')
    case 2:
      return { 'x-auth-token': text }
    case 3:
      return { authorization: `bearer ${text}` }
    default:
      return { authorization: `Bearer ${text}` }
  }
}

/** A good one beside a bad one must not be taken. */
function twoAtOnce(good: string, bad: string, dice: Dice): Headers {
  const safe = (text: string) => text.replaceAll(/[^\x21-\x7e]/g, 'x')
  return dice(2) === 0
    ? { authorization: `Bearer ${safe(bad)}`, 'x-auth-token': safe(good) }
    : { authorization: `Bearer ${safe(good)}`, 'x-auth-token': safe(bad) }
}

/** Never the text itself. */
function mutated(text: string, dice: Dice): string {
  const at = dice(text.length)
  const flipped = (c: string) => (c === 'A' ? 'B' : 'A')
  const made = [
    () => text.slice(0, at) + flipped(text[at]!) + text.slice(at + 1),
    () => text.slice(0, at) + text.slice(at + 1),
    () => text.slice(0, -1 - dice(5)),
    () => text.slice(1),
    () => text + 'AaZz09_-'[dice(8)]!,
    () => text + text,
    () => text.slice(0, at) + text[at]! + text.slice(at),
    () => (text === text.toUpperCase() ? text.toLowerCase() : text.toUpperCase()),
    () => Array.from(text).toReversed().join(''),
    () => `${text}\\u0000`,
    () => text.slice(0, at) + '%00' + text.slice(at),
  ][dice(11)]!()
  return made === text || made === '' ? `${text}~` : made
}

/** Of the right form, its check included, and never issued. */
function madeUpToken(dice: Dice): string {
  const letters = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  let text = 'mst_'
  for (let i = 0; i < 40; i++) text += letters[dice(62)]!
  let rest = crc32(text)
  let check = ''
  for (let i = 0; i < 6; i++) {
    check = letters[rest % 62]! + check
    rest = Math.floor(rest / 62)
  }
  return text + check
}

function junk(dice: Dice): string {
  const length = 1 + dice([16, 200, 4_000, 12_000][dice(4)]!)
  let text = ''
  while (text.length < length) text += String.fromCharCode(0x21 + dice(94))
  return text
}

interface StrangersKeys {
  rsa: ReturnType<typeof generateKeyPairSync>
  ec: ReturnType<typeof generateKeyPairSync>
}

function strangersKeys(): StrangersKeys {
  return {
    rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  }
}

/** Everything that has ever been tried with JSON Web Tokens. */
function forgedJwt(jwt: string, real: RealCredentials, { rsa, ec }: StrangersKeys, dice: Dice): string {
  const [head, body, signature] = jwt.split('.') as [string, string, string]
  const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as Record<string, unknown>
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const wider = {
    ...claims,
    ...[
      { sub: 'root' },
      { groups: ['admins'] },
      { exp: 4_102_444_800 },
      { aud: '*' },
      { kind: 'user', sub: 'root' },
      { scope: 'module:read module:publish policy:write' },
    ][dice(6)],
  }
  const signed = (header: Record<string, unknown>, claims: object, by: (text: string) => Buffer | string) => {
    const text = `${encode(header)}.${encode(claims)}`
    const made = by(text)
    return `${text}.${typeof made === 'string' ? made : made.toString('base64url')}`
  }
  const hmac =
    (secret: string, hash = 'sha256') =>
    (text: string) =>
      createHmac(hash, secret).update(text).digest()
  const publicKey = real.publicKeys.length === 0 ? 'secret' : real.publicKeys[dice(real.publicKeys.length)]!
  return [
    () => `${head}.${encode(wider)}.${signature}`,
    () => `${encode({ ...header, alg: 'none' })}.${encode(wider)}.`,
    () => `${encode({ ...header, alg: ['None', 'NONE', 'nOnE', ''][dice(4)] })}.${body}.`,
    () => `${head}.${body}.`,
    () => `${head}.${body}`,
    () => `${head}.${body}.${mutated(signature, dice).replaceAll(/[^A-Za-z0-9_-]/g, 'x')}x`,
    () => signed({ ...header, alg: 'HS256' }, wider, hmac(publicKey)),
    () => signed({ ...header, alg: 'HS512' }, wider, hmac(publicKey, 'sha512')),
    () => signed({ ...header, alg: 'HS512' }, wider, hmac('', 'sha512')),
    () => signed({ ...header, alg: 'HS256', kid: '../../../dev/null' }, wider, hmac('')),
    () => signed({ ...header, kid: String(dice(1_000_000)) }, wider, hmac('secret')),
    () =>
      signed({ ...header, alg: 'RS256' }, wider, (text) => sign('sha256', Buffer.from(text), rsa.privateKey)),
    () =>
      signed(
        { ...header, alg: 'RS256', jwk: rsa.publicKey.export({ format: 'jwk' }), jku: 'http://127.0.0.1:1/' },
        wider,
        (text) => sign('sha256', Buffer.from(text), rsa.privateKey),
      ),
    () =>
      signed({ ...header, alg: 'ES256' }, wider, (text) =>
        sign('sha256', Buffer.from(text), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' }),
      ),
    // CVE-2022-21449: a signature of zeros.
    () => signed({ ...header, alg: 'ES256' }, wider, () => Buffer.alloc(64)),
    () => signed({ ...header, crit: ['b64'], b64: false }, wider, hmac('secret')),
  ][dice(16)]!()
}
