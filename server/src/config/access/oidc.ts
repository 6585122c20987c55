import { z } from 'zod'
import { type BuildContext, complain, pemFile, shown } from '../context.ts'
import { choice, flag, path, secret, text, texts } from '../fields.ts'
import type { KeyPath } from '../problems.ts'
import { HIDDEN, resolveSecret } from '../secrets.ts'
import type { OidcProvider } from './access-config.ts'

/** Names stand in addresses: `/auth/callback/NAME`. */
const PROVIDER_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/

/** What the products call a name and groups, and what has to be asked for to be told them. */
const PRESETS = {
  gitlab: {
    label: 'GitLab',
    scopes: ['openid', 'profile', 'email'],
    subject: 'preferred_username',
    groups: () => ['groups', 'groups_direct'],
  },
  keycloak: {
    label: 'Keycloak',
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    subject: 'preferred_username',
    groups: (clientId: string) => ['groups', 'realm_access.roles', `resource_access.${clientId}.roles`],
  },
  generic: {
    label: undefined,
    scopes: ['openid', 'profile', 'email'],
    subject: 'preferred_username',
    groups: () => ['groups'],
  },
} as const

export const oidcSchema = z.strictObject({
  type: choice(['gitlab', 'keycloak', 'generic'])
    .prefault('generic')
    .describe('Which product it is: it decides the defaults of `scopes`, `subject` and `groups`.'),
  issuer: text('the https URL of the issuer').describe(
    'The issuer, exactly as it names itself: what stands before `/.well-known/openid-configuration`.',
  ),
  clientId: text('the client id').describe('The id under which modstead is registered there.'),
  clientSecret: secret('the secret of the client')
    .optional()
    .describe('The secret of the client. Default: none, for a public client.'),
  clientAuth: choice(['basic', 'post'])
    .prefault('basic')
    .describe('How the secret is sent: in a header (`client_secret_basic`), or in the form.'),
  scopes: texts('a scope')
    .optional()
    .describe(
      'What is asked for. Default: openid, profile, email, and for Keycloak offline_access. Add `offline_access` where the issuer gives refresh tokens only with it.',
    ),
  subject: text('the name of a claim')
    .optional()
    .describe(
      'The claim with the name of the user. Default: `preferred_username`. `email` counts only where `email_verified` is true.',
    ),
  userPrefix: text('text such as gitlab/')
    .optional()
    .describe(
      'Put before each name of a user, so that those of another issuer are others. Default: nothing.',
    ),
  groups: texts('the name of a claim, with dots between its parts')
    .optional()
    .describe(
      'The claims that list the groups. Default: for GitLab `groups` and `groups_direct`, for Keycloak `groups`, `realm_access.roles` and `resource_access.CLIENT.roles`, else `groups`.',
    ),
  groupPrefix: text('text such as gitlab/')
    .optional()
    .describe('Put before each name of a group: `group:gitlab/team-a` in bindings. Default: nothing.'),
  require: z
    .record(z.string(), z.string())
    .optional()
    .describe(
      'Claims that must be there, with their values or, in a list, one of them; `*` for any value. Who lacks one cannot sign in.',
    ),
  userinfo: flag()
    .prefault(true)
    .describe('Whether the userinfo endpoint is asked for claims, too, where the issuer has one.'),
  label: text('text for a button')
    .optional()
    .describe('What the button says. Default: the product, or the name.'),
  ca: path('a PEM file')
    .optional()
    .describe('Authorities that are trusted for this issuer besides those of Node and of the system.'),
})

type FileOidc = z.output<typeof oidcSchema>

/** The entries of `oidc`, with their secrets read. `publicUrl` is what browsers are sent back to. */
export async function buildOidc(
  context: BuildContext,
  at: KeyPath,
  providers: Readonly<Record<string, FileOidc>>,
  publicUrl: string | undefined,
): Promise<OidcProvider[]> {
  const built: OidcProvider[] = []
  const names = Object.keys(providers)
  if (names.length > 0) checkPublicUrl(context, at, publicUrl)
  for (const [name, file] of Object.entries(providers)) {
    const place = [...at, name]
    const { type, issuer, clientId } = file
    if (!PROVIDER_NAME.test(name))
      complain(
        context,
        place,
        'expected a name of up to 32 letters, digits, "-" and "_": it stands in addresses',
      )
    checkIssuer(context, [...place, 'issuer'], issuer)
    if (built.some((other) => other.issuer === issuer && other.clientId === clientId))
      complain(context, [...place, 'issuer'], 'is that of another entry with the same client, too')
    const preset = PRESETS[type]
    const scopes = file.scopes ?? preset.scopes
    if (!scopes.includes('openid'))
      complain(context, [...place, 'scopes'], 'expected "openid" among them: without it nobody is named')
    const { label = preset.label ?? name, userPrefix = '', groupPrefix = '', clientAuth, userinfo } = file
    for (const [key, prefix] of Object.entries({ userPrefix, groupPrefix }))
      if (/[\s:\p{Cc}]/u.test(prefix))
        complain(context, [...place, key], 'expected text without spaces, colons and control characters')
    const secret =
      file.clientSecret === undefined
        ? undefined
        : await resolveSecret(context, [...place, 'clientSecret'], file.clientSecret)
    built.push({
      name,
      label,
      type,
      issuer,
      clientId,
      ...(secret !== undefined && { clientSecret: secret }),
      clientAuth,
      scopes,
      subject: file.subject ?? preset.subject,
      userPrefix,
      groups: file.groups ?? preset.groups(clientId),
      groupPrefix,
      require: new Map(
        Object.entries(file.require ?? {}).map(([claim, value]) => [
          claim,
          value === '*' ? undefined : value,
        ]),
      ),
      userinfo,
      ...(file.ca !== undefined && {
        ca: await pemFile(context, [...place, 'ca'], file.ca),
      }),
    })
  }
  return built
}

/** Codes and cookies travel over it: TLS, unless they never leave the machine. */
function checkPublicUrl(context: BuildContext, at: KeyPath, publicUrl: string | undefined): void {
  if (publicUrl === undefined)
    complain(context, at, 'expected publicUrl beside it: the address that browsers are sent back to')
  else if (!isSafe(new URL(publicUrl)))
    complain(context, at, `expected an https publicUrl, found ${publicUrl}: browsers keep no cookie without`)
}

/** OpenID Connect Discovery 1.0, section 3: https, without query and fragment. Loopback is for trying things out. */
function checkIssuer(context: BuildContext, at: KeyPath, issuer: string): void {
  const url = URL.parse(issuer)
  const plain = url !== null && url.username + url.password + url.search + url.hash === ''
  if (!plain || !isSafe(url))
    complain(context, at, `expected an https URL without "?" and "#", found ${shown(context, at, issuer)}`)
}

function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname))
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** An entry of `oidc` as a file would say it. */
export function describeOidc(given: OidcProvider): [string, Record<string, unknown>] {
  const { name, clientSecret, require, userPrefix, groupPrefix, ca, scopes, groups, ...rest } = given
  const { type, issuer, clientId, clientAuth, subject, userinfo, label } = rest
  return [
    name,
    {
      type,
      issuer,
      clientId,
      ...(clientSecret !== undefined && { clientSecret: HIDDEN }),
      clientAuth,
      scopes: [...scopes],
      subject,
      ...(userPrefix !== '' && { userPrefix }),
      groups: [...groups],
      ...(groupPrefix !== '' && { groupPrefix }),
      ...(require.size > 0 && {
        require: Object.fromEntries([...require].map(([claim, value]) => [claim, value ?? '*'])),
      }),
      userinfo,
      label,
      ...(ca !== undefined && { ca }),
    },
  ]
}
