import { checkPattern } from '@modstead/gomod/pattern'
import { z } from 'zod'
import { absolutePath, type BuildContext, complain, pemFile, readNamedFile, shown } from '../context.ts'
import { choice, choices, duration, flag, text, texts } from '../fields.ts'
import { PERMISSIONS } from '../permissions.ts'
import type { KeyPath } from '../problems.ts'
import { formatDuration } from '../units.ts'
import type { WorkloadIssuer, WorkloadRule } from './access-config.ts'

const HOUR = 3_600_000
const PUBLIC_KEYS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const
const PATTERN = 'a text, in which * stands for any characters but "/", and ** for any'

const rule = z.strictObject({
  when: z
    .record(z.string().min(1), texts(PATTERN))
    .describe(
      'Claims that must all be there, and fit: a text, or a list of which one fits. `*` stands for any characters but `/`, `**` for any. Claims within others are named with `/`: `kubernetes.io/namespace`.',
    ),
  as: text('a name such as "workload:ci-{project_path}"').describe(
    'Who the bearer is in bindings: `workload:NAME` or `service:NAME`, with the values of claims where they stand in braces.',
  ),
  groups: texts('the name of a group').optional().describe('Groups of the bearer.'),
  can: choices(PERMISSIONS).optional().describe('The most it may do. Default: all that its bindings say.'),
  modules: texts('a pattern such as corp.example or *.corp.example/team')
    .optional()
    .describe('The most it may do that with, as patterns of GOPRIVATE. Default: all that its bindings say.'),
  lifetime: duration({ min: 60_000, max: HOUR, wording: ' (1m to 1h)' })
    .prefault('15m')
    .describe('How long the access token holds.'),
  untilTokenEnds: flag()
    .prefault(false)
    .describe('Whether it holds instead until the end of the token that was exchanged, a day at most.'),
})

export const workloadSchema = z.strictObject({
  type: choice(['gitlab', 'github', 'kubernetes', 'generic'])
    .prefault('generic')
    .describe('Who gives the tokens. It chooses the defaults of `issuer` and `algorithms`.'),
  issuer: text('a URL such as https://gitlab.corp.example')
    .optional()
    .describe(
      'What `iss` must be, exactly. Default: `https://gitlab.com` for gitlab, `https://token.actions.githubusercontent.com` for github.',
    ),
  audience: texts('an audience').describe(
    'What `aud` must have one of: a name for this server that no other takes, such as its address.',
  ),
  jwks: text('an https URL, or the path of a file')
    .optional()
    .describe(
      'Where its public keys are. Default: where `/.well-known/openid-configuration` below the issuer says.',
    ),
  ca: text('the path of a PEM file')
    .optional()
    .describe('An authority that signed the certificate of the issuer, besides those of the system.'),
  algorithms: choices(PUBLIC_KEYS)
    .optional()
    .describe('The `alg` that are taken. Default: RS256; for kubernetes and generic RS256 and ES256.'),
  clockSkew: duration({ min: 0, max: 300_000, wording: ' (5m at most)' })
    .prefault('30s')
    .describe('How far the clocks may differ.'),
  rules: z
    .array(rule)
    .min(1)
    .describe('Who the bearers are. The first that fits counts; where none does, nobody gets in.'),
})

type FileWorkload = z.output<typeof workloadSchema>
type FileRule = z.output<typeof rule>

/** Issuers that give tokens to everybody in the world, and the claims that tell whose they are. */
const EVERYBODYS: Readonly<Record<string, readonly string[]>> = {
  'https://token.actions.githubusercontent.com': [
    'sub',
    'repository',
    'repository_id',
    'repository_owner',
    'repository_owner_id',
    'enterprise',
    'enterprise_id',
  ],
  'https://gitlab.com': ['sub', 'project_path', 'project_id', 'namespace_path', 'namespace_id'],
}
const ISSUERS: Partial<Record<FileWorkload['type'], string>> = {
  github: 'https://token.actions.githubusercontent.com',
  gitlab: 'https://gitlab.com',
}

/** The entries of `workloads`. Names of issuers that others of this server have are problems. */
export async function buildWorkloads(
  context: BuildContext,
  at: KeyPath,
  workloads: Readonly<Record<string, FileWorkload>>,
): Promise<WorkloadIssuer[]> {
  const built: WorkloadIssuer[] = []
  for (const [name, file] of Object.entries(workloads)) {
    const path = [...at, name]
    const issuer = file.issuer ?? ISSUERS[file.type]
    if (issuer === undefined) {
      complain(context, path, `expected an issuer: the type ${file.type} has no usual one`)
      continue
    }
    if (built.some((other) => other.issuer === issuer))
      complain(context, [...path, 'issuer'], 'is that of another entry, too: put the rules of both under one')
    const keys = await keysOf(context, path, file, issuer)
    const both = file.type === 'kubernetes' || file.type === 'generic'
    built.push({
      name,
      type: file.type,
      issuer,
      audience: file.audience,
      algorithms: file.algorithms ?? (both ? ['RS256', 'ES256'] : ['RS256']),
      keys,
      clockSkew: file.clockSkew,
      require: new Map(),
      rules: file.rules.map((rule, index) => buildRule(context, [...path, 'rules', index], rule, issuer)),
    })
  }
  return built
}

async function keysOf(
  context: BuildContext,
  path: KeyPath,
  { jwks, ca }: FileWorkload,
  issuer: string,
): Promise<WorkloadIssuer['keys']> {
  const authority = ca === undefined ? undefined : await pemFile(context, [...path, 'ca'], ca)
  const trust = authority === undefined ? {} : { ca: authority }
  if (jwks === undefined) {
    if (!isHttps(issuer))
      complain(
        context,
        [...path, 'issuer'],
        'expected an https URL, where the keys of the issuer are found, or jwks',
      )
    return { kind: 'discovery', ...trust }
  }
  if (isHttps(jwks)) return { kind: 'jwks', url: jwks, ...trust }
  if (/^[a-z]+:\/\//i.test(jwks))
    complain(context, [...path, 'jwks'], 'expected an https URL or the path of a file')
  else await readNamedFile(context, [...path, 'jwks'], jwks)
  if (ca !== undefined) complain(context, [...path, 'ca'], 'is of no use with a file of keys')
  return { kind: 'file', path: absolutePath(context, [...path, 'jwks'], jwks) }
}

function isHttps(url: string): boolean {
  return url.startsWith('https://') && URL.canParse(url)
}

function buildRule(context: BuildContext, path: KeyPath, file: FileRule, issuer: string): WorkloadRule {
  const { when, as, groups = [], can, modules, lifetime, untilTokenEnds } = file
  const claims = Object.entries(when)
  if (claims.length === 0)
    complain(context, [...path, 'when'], 'expected at least one claim: every token of the issuer would fit')
  const whose = EVERYBODYS[issuer]
  const bound = claims.some(
    ([name, patterns]) => whose?.includes(name) && patterns.every((pattern) => !/^[^/]*\*/.test(pattern)),
  )
  if (whose !== undefined && claims.length > 0 && !bound)
    complain(
      context,
      [...path, 'when'],
      `expected one of ${whose.join(', ')} whose value has no wildcard before its first "/": ${issuer} gives tokens to everybody`,
    )
  const [, kind, name] = /^(workload|service):(\S{1,256})$/.exec(as) ?? []
  if (name === undefined || /[{}]/.test(name.replaceAll(/\{[^{}]+\}/g, '')))
    complain(
      context,
      [...path, 'as'],
      `expected "workload:NAME" or "service:NAME", with claims in braces, found ${shown(context, [...path, 'as'], as)}`,
    )
  for (const [index, pattern] of (modules ?? []).entries()) {
    const problem = checkPattern(pattern)
    const place = [...path, 'modules', index]
    if (problem !== undefined)
      complain(context, place, `the pattern ${shown(context, place, pattern)} cannot be used: ${problem}`)
  }
  return {
    when: new Map(claims),
    as: { kind: kind === 'service' ? 'service' : 'workload', name: name ?? '' },
    groups,
    ...(can !== undefined && { permissions: can }),
    ...(modules !== undefined && { modules }),
    lifetime,
    untilTokenEnds,
  }
}

/** An entry of `workloads` as a file would say it. */
export function describeWorkload(given: WorkloadIssuer): [string, Record<string, unknown>] {
  const { name, type, issuer, audience, algorithms, keys, clockSkew, rules } = given
  return [
    name,
    {
      type,
      issuer,
      audience: [...audience],
      algorithms: [...algorithms],
      ...(keys.kind !== 'discovery' && { jwks: keys.kind === 'jwks' ? keys.url : keys.path }),
      ...(keys.kind !== 'file' && keys.ca !== undefined && { ca: keys.ca }),
      clockSkew: formatDuration(clockSkew),
      rules: rules.map(({ when, as, groups, permissions, modules, lifetime, untilTokenEnds }) => ({
        when: Object.fromEntries([...when].map(([claim, patterns]) => [claim, [...patterns]])),
        as: `${as.kind}:${as.name}`,
        ...(groups.length > 0 && { groups: [...groups] }),
        ...(permissions !== undefined && { can: [...permissions] }),
        ...(modules !== undefined && { modules: [...modules] }),
        lifetime: formatDuration(lifetime),
        untilTokenEnds,
      })),
    },
  ]
}
