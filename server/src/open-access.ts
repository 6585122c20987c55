import { type Access, createAccess } from './access/access.ts'
import { accessOfTokens } from './access/access-of-tokens.ts'
import { createCertificates } from './access/certificates/certificates.ts'
import type { CertificatesByConnection } from './access/certificates/client-certificate.ts'
import { createAccessTokens, type TokenRecords } from './access/tokens/access-tokens.ts'
import { createConfigTokens } from './access/tokens/config-tokens.ts'
import type { Credential } from './access/credential.ts'
import { createDecide, type PrivateNames } from './access/decide.ts'
import { createHtpasswdFile, type HtpasswdUsers } from './access/passwords/htpasswd-file.ts'
import { type ClosedByGuesses, createPasswords } from './access/passwords/passwords.ts'
import { createIdentify } from './access/identify.ts'
import type { DirectoryRecords } from './access/ldap/known-users.ts'
import { type People, peopleOf } from './access/people.ts'
import { createGuesses } from './access/passwords/lockout.ts'
import type { AccessConfig } from './config/access/access-config.ts'
import type { Config } from './config/config.ts'
import type { Observer } from './observe/observer.ts'
import type { Issued } from './open-issued.ts'
import type { OpenedLdap } from './open-ldap.ts'

export interface OpenAccessOptions {
  config: Pick<Config, 'access' | 'tokens'>
  /** The name of the tenant whose access it is; absent for none. */
  tenant?: string | undefined
  /** What connections present, noted by the listeners that ask for it. */
  certificates: CertificatesByConnection
  records: TokenRecords
  /** Where the users of a directory are kept. */
  directoryRecords: DirectoryRecords
  /** Tokens of our own; absent: none are taken. */
  issued?: Issued | undefined
  names: PrivateNames
  observer: Observer
  /** For HTTP(S)_PROXY and NO_PROXY. */
  env: Readonly<Record<string, string | undefined>>
  /** What is to be closed at the end. */
  closing: (() => Promise<void>)[]
  /** What whoever runs the server is told where its state is asked for. */
  warnings: (() => readonly string[])[]
}

/** Who signs in with a user name and a password. */
export interface Passwords {
  /** As HTTP Basic does. */
  judge: Credential
  /** Whether somebody of this name still can. Rejects with `directory_unavailable`. */
  knows(user: string): Promise<boolean>
}

export interface OpenedAccess {
  access: Access
  people: People
  /** Absent: nobody has a password. */
  passwords?: Passwords
}

/** Joins what proves who is asking. The order matters for what is said: what can tell its own credentials comes first. */
export async function openAccess(options: OpenAccessOptions): Promise<OpenedAccess> {
  const { config, tenant, records, names, observer } = options
  const { access, tokens } = config
  if (access === undefined) return { access: accessOfTokens(tokens, tenant), people: peopleOf(new Map()) }
  const now = () => performance.now()
  const { remember, htpasswd } = access
  const local = openHtpasswd(access, options, now)
  const isLocal = async (user: string): Promise<boolean> => (await local()).find(user) !== undefined
  const ldap = await openLdap(access, options, isLocal)
  const people = ldap?.people ?? peopleOf(access.groups)
  const credentials: Credential[] = [
    createConfigTokens(tokens),
    createAccessTokens({
      records,
      tenant,
      people,
      onTouchFailed: (error) => observer.log.warn({ err: error }, 'the use of a token could not be noted'),
    }),
  ]
  if (options.issued !== undefined) credentials.push(options.issued.credential(people))
  if (access.issuers.length > 0) credentials.push(await openJwt(access, people, options))
  let passwords: Passwords | undefined
  if (htpasswd !== undefined || ldap !== undefined) {
    const judge = createPasswords({
      local,
      ...(ldap && { directory: ldap.passwords }),
      people,
      guesses: createGuesses(access.lockout, now),
      countAddresses: access.lockout.addresses,
      remember,
      onLockout: tellLockouts(observer, tenant),
      now,
    })
    passwords = { judge, knows: ldap?.has ?? isLocal }
    credentials.push(judge)
  }
  const joined = createAccess({
    identify: createIdentify({
      credentials,
      // Without rules a certificate says nothing, and is no credential.
      ...(access.certificates.length > 0 && {
        connections: createCertificates({
          rules: access.certificates,
          presented: options.certificates,
          people,
        }),
      }),
      tenant,
      now,
    }),
    decide: createDecide(access, names),
    open: false,
    closed: false,
    ...(access.gitHosts.length > 0 && {
      hosts: await (await import('./open-git-hosts.ts')).openGitHosts({ ...options, hosts: access.gitHosts }),
    }),
    now,
  })
  return { access: joined, people, ...(passwords && { passwords }) }
}

/** A line for each: who runs the server sees that somebody guesses, or why a user cannot get in. */
function tellLockouts(observer: Observer, tenant: string | undefined) {
  const lockouts = observer.counter(
    'modstead_lockouts_total',
    'Times that wrong passwords have closed a user or an address.',
    ['closed'],
  )
  return (lockout: ClosedByGuesses): void => {
    lockouts.add(1, lockout.closed)
    observer.log.warn(
      { ...lockout, ...(tenant !== undefined && { tenant }) },
      lockout.closed === 'user'
        ? 'wrong passwords have closed a user for some minutes'
        : 'wrong passwords have closed an address for some minutes',
    )
  }
}

/** The users of our own; nobody where there is no file of them. */
function openHtpasswd(
  { htpasswd }: AccessConfig,
  { observer }: OpenAccessOptions,
  now: () => number,
): () => Promise<HtpasswdUsers> {
  if (htpasswd === undefined) return async () => ({ find: () => undefined, dearest: undefined })
  const warn = (sentence: string): void => observer.log.warn({ file: htpasswd }, sentence)
  return createHtpasswdFile({ path: htpasswd, warn, now })
}

async function openLdap(
  { ldap: config, groups }: AccessConfig,
  { directoryRecords: records, tenant, observer, closing, warnings }: OpenAccessOptions,
  isLocal: (user: string) => Promise<boolean>,
): Promise<OpenedLdap | undefined> {
  if (config === undefined) return undefined
  const opened = await (
    await import('./open-ldap.ts')
  ).openLdap({ config, groups, records, tenant, observer, isLocal })
  closing.push(opened.close)
  // Whoever asks for the state of the server is not told of the tenants' directories.
  if (tenant === undefined) warnings.push(opened.warnings)
  return opened
}

/** Loaded where it is needed: a server without issuers is spared the library. */
async function openJwt(
  { issuers, remember }: AccessConfig,
  people: People,
  options: OpenAccessOptions,
): Promise<Credential> {
  const [{ createJwt }, { openKeys }] = await Promise.all([
    import('./access/jwt/jwt.ts'),
    import('./open-keys.ts'),
  ])
  const keysOf = openKeys(options)
  return createJwt({
    issuers,
    people,
    remember,
    keyFor({ name, issuer, keys }) {
      if (keys.kind !== 'secret') return keysOf(name, issuer, keys)
      const secret = new TextEncoder().encode(keys.secret)
      return () => secret
    },
  })
}
