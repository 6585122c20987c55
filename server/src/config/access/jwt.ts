import { z } from 'zod'
import { absolutePath, type BuildContext, complain, readNamedFile } from '../context.ts'
import { choice, choices, duration, secret, text, texts } from '../fields.ts'
import type { KeyPath } from '../problems.ts'
import { HIDDEN, resolveSecret } from '../secrets.ts'
import { formatDuration } from '../units.ts'
import type { JwtIssuer } from './access-config.ts'

/** The names and values of claims. */
const claims = z
  .record(z.string(), z.string())
  .optional()
  .describe('Claims that must be there, with their values; `*` for any value. Default: none besides `exp`.')

export const issuerSchema = z.strictObject({
  issuer: text('the issuer as tokens have it in "iss"').describe('What `iss` must be, exactly.'),
  audience: texts('an audience').describe('What `aud` must have one of: a name for this server.'),
  algorithms: choices([
    'HS256',
    'HS384',
    'HS512',
    'RS256',
    'RS384',
    'RS512',
    'ES256',
    'ES384',
    'ES512',
    'EdDSA',
  ]).describe('The `alg` that are taken, whatever a token says: HS… with `secret`, the others with `jwks`.'),
  secret: secret('a secret of 32 bytes or more')
    .optional()
    .describe(
      'The secret shared with the issuer: as many bytes as the hash has, 32 for HS256, 64 for HS512.',
    ),
  jwks: text('an https URL, or the path of a file')
    .optional()
    .describe('Where the public keys of the issuer are: an `https:` URL, or a file.'),
  clockSkew: duration({ min: 0, max: 300_000, wording: ' (5m at most)' })
    .prefault('30s')
    .describe('How far the clocks may differ.'),
  require: claims,
  subject: text('the name of a claim').prefault('sub').describe('The claim that names the bearer.'),
  groups: text('the name of a claim').prefault('groups').describe('The claim that lists the groups.'),
  kind: choice(['user', 'service', 'workload'])
    .prefault('workload')
    .describe('What its bearers are, in bindings: `workload:SUBJECT` for instance.'),
})

type FileIssuer = z.output<typeof issuerSchema>

/** The entries of `jwt`, with their secrets read. */
export async function buildIssuers(
  context: BuildContext,
  at: KeyPath,
  issuers: Readonly<Record<string, FileIssuer>>,
): Promise<JwtIssuer[]> {
  const built: JwtIssuer[] = []
  for (const [name, file] of Object.entries(issuers)) {
    const path = [...at, name]
    if (built.some(({ issuer }) => issuer === file.issuer))
      complain(context, [...path, 'issuer'], 'is that of another entry, too: a token would fit both')
    const keys = await keysOf(context, path, file)
    const { issuer, audience, algorithms, clockSkew, subject, groups, kind } = file
    const require = Object.entries(file.require ?? {}).map(
      ([claim, value]) => [claim, value === '*' ? undefined : value] as const,
    )
    if (keys !== undefined)
      built.push({
        name,
        issuer,
        audience,
        algorithms,
        keys,
        clockSkew,
        subject,
        groups,
        kind,
        require: new Map(require),
      })
  }
  return built
}

/** A secret goes with the algorithms of secrets and keys with those of keys: a key can then never be taken for a secret. */
async function keysOf(
  context: BuildContext,
  path: KeyPath,
  { secret, jwks, algorithms }: FileIssuer,
): Promise<JwtIssuer['keys'] | undefined> {
  const symmetric = algorithms.filter((name) => name.startsWith('HS'))
  if ((secret === undefined) === (jwks === undefined)) {
    complain(context, path, 'expected either secret or jwks')
    return undefined
  }
  if (secret !== undefined) {
    if (symmetric.length < algorithms.length)
      complain(context, [...path, 'algorithms'], 'expected only HS256, HS384 or HS512 beside a secret')
    const value = await resolveSecret(context, [...path, 'secret'], secret)
    const needed = Math.max(...symmetric.map((name) => Number(name.slice(2)) / 8))
    const length = Buffer.byteLength(value)
    if (symmetric.length > 0 && length < needed)
      complain(
        context,
        [...path, 'secret'],
        `expected ${needed} bytes or more for these algorithms, found ${length}`,
      )
    return { kind: 'secret', secret: value }
  }
  if (symmetric.length > 0)
    complain(context, [...path, 'algorithms'], 'expected none of HS256, HS384, HS512 beside jwks')
  if (jwks!.startsWith('https://') && URL.canParse(jwks!)) return { kind: 'jwks', url: jwks! }
  if (/^[a-z]+:\/\//i.test(jwks!)) {
    complain(context, [...path, 'jwks'], 'expected an https URL or the path of a file')
    return undefined
  }
  await readNamedFile(context, [...path, 'jwks'], jwks!)
  return { kind: 'file', path: absolutePath(context, [...path, 'jwks'], jwks!) }
}

/** An entry of `jwt` as a file would say it. */
export function describeIssuer(given: JwtIssuer): [string, Record<string, unknown>] {
  const { name, issuer, audience, algorithms, keys, clockSkew, require, subject, groups, kind } = given
  return [
    name,
    {
      issuer,
      audience: [...audience],
      algorithms: [...algorithms],
      ...(keys.kind === 'secret'
        ? { secret: HIDDEN }
        : { jwks: keys.kind === 'jwks' ? keys.url : keys.path }),
      clockSkew: formatDuration(clockSkew),
      ...(require.size > 0 && {
        require: Object.fromEntries([...require].map(([claim, value]) => [claim, value ?? '*'])),
      }),
      subject,
      groups,
      kind,
    },
  ]
}
