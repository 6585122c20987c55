import { z } from 'zod'
import { choices, count, duration, flag, path, text, texts } from '../fields.ts'
import { certificateSchema } from './certificates.ts'
import { gitHostSchema } from './git-hosts.ts'
import { workloadSchema } from './workloads.ts'
import { issuedSchema } from './issued.ts'
import { issuerSchema } from './jwt.ts'
import { oidcSchema } from './oidc.ts'
import { ldapSchema } from './ldap.ts'
import { PERMISSIONS } from '../permissions.ts'

const SUBJECT =
  '"user:NAME", "group:NAME", "service:NAME", "workload:NAME", "$authenticated", "$admins", "$anonymous" or "$all"'
const PATTERN = 'a pattern such as corp.example or *.corp.example/team'
const name = /^[A-Za-z0-9][A-Za-z0-9._@+-]*$/

const binding = z.strictObject({
  to: texts(SUBJECT).describe(
    'Who gets the role: `user:NAME`, `group:NAME`, `service:NAME` (a token of `tokens`), `workload:NAME`, `$authenticated`, `$admins`, `$anonymous` or `$all`.',
  ),
  role: text('the name of a role').describe(
    'One of admin, operator, publisher, developer and viewer, or one of `roles`.',
  ),
  modules: texts(PATTERN)
    .optional()
    .describe(
      'For which modules, as patterns of GOPRIVATE. Default: for all, and for what is about no module, such as reading incidents.',
    ),
})

const lockout = z.strictObject({
  secrets: count({ min: 1, max: 1000 })
    .prefault(3)
    .describe('Different wrong passwords for one user, or from one address, that close it.'),
  within: duration().prefault('60s').describe('The time within which they count.'),
  addresses: flag()
    .prefault(true)
    .describe(
      'Whether addresses are closed too: `false` behind a reverse proxy that is not in `trustedProxies`, for all have its address.',
    ),
  closed: duration().prefault('5m').describe('For how long; then there is one trial.'),
})

export const accessSchema = z.strictObject({
  anonymous: texts(`${PATTERN}, or "none"`)
    .prefault('*')
    .describe(
      'Modules that are read without credentials, as far as no private route has them; `none` for none of them.',
    ),
  htpasswd: path('an htpasswd file')
    .optional()
    .describe(
      'Users with their passwords, as argon2id (`modstead user set`) or bcrypt (`htpasswd -B`). It is read again when it changes.',
    ),
  ldap: ldapSchema.optional().describe('A directory (LDAP) of users and groups: see ldap.md.'),
  groups: z
    .record(z.string().regex(name), texts('the name of a user'))
    .optional()
    .describe('Groups by name, and the users in them.'),
  admins: texts(SUBJECT).optional().describe('Who is in `$admins`, and may do everything.'),
  roles: z
    .record(z.string().regex(name), choices(PERMISSIONS))
    .optional()
    .describe('Roles of your own by name, and what they allow.'),
  bindings: z.array(binding).optional().describe('Who has which role for which modules. All that fit count.'),
  jwt: z
    .record(z.string().regex(name), issuerSchema)
    .optional()
    .describe('Issuers whose JSON Web Tokens are taken, by a name of your choice.'),
  oidc: z
    .record(z.string(), oidcSchema)
    .optional()
    .describe('OpenID Connect issuers where people sign in with the browser, by a name of your choice.'),
  gitHosts: z
    .record(z.string().regex(name), gitHostSchema)
    .optional()
    .describe('Git hosts that are asked who may read private modules, by a name of your choice.'),
  certificates: z
    .array(certificateSchema)
    .optional()
    .describe('Whom client certificates name, where `tls` asks for them. The first rule that fits decides.'),
  workloads: z
    .record(z.string().regex(name), workloadSchema)
    .optional()
    .describe('Whose tokens for jobs are exchanged for tokens of this server, by a name of your choice.'),
  issued: issuedSchema.prefault({}).describe('Sessions and access tokens of this server itself.'),
  remember: duration({ min: 0, max: 600_000, wording: ' (10m at most)' })
    .prefault('60s')
    .describe('For how long a password that was right is not computed again, and a JWT not verified again.'),
  lockout: lockout.prefault({}).describe('When guessing ends.'),
})
export type FileAccess = z.output<typeof accessSchema>
