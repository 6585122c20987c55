import { type Access, createAccess } from './access/access.ts'
import { accessOfTokens } from './access/access-of-tokens.ts'
import { createAccessTokens, type TokenRecords } from './access/tokens/access-tokens.ts'
import { createConfigTokens } from './access/tokens/config-tokens.ts'
import type { Credential } from './access/credential.ts'
import { createDecide, type PrivateNames } from './access/decide.ts'
import { createHtpasswd } from './access/passwords/htpasswd.ts'
import { createHtpasswdFile } from './access/passwords/htpasswd-file.ts'
import { createIdentify } from './access/identify.ts'
import { createGuesses } from './access/passwords/lockout.ts'
import type { AccessConfig } from './config/access/access-config.ts'
import type { Config } from './config/config.ts'
import type { Observer } from './observe/observer.ts'
import type { Issued } from './open-issued.ts'

export interface OpenAccessOptions {
  config: Pick<Config, 'access' | 'tokens'>
  records: TokenRecords
  /** Tokens of our own; absent: none are taken. */
  issued?: Issued | undefined
  names: PrivateNames
  observer: Observer
  /** For HTTP(S)_PROXY and NO_PROXY. */
  env: Readonly<Record<string, string | undefined>>
  /** What is to be closed at the end. */
  closing: (() => Promise<void>)[]
}

/** Who signs in with a user name and a password. */
export interface Passwords {
  /** As HTTP Basic does. */
  judge: Credential
  /** Whether somebody of this name still can. */
  knows(user: string): Promise<boolean>
}

export interface OpenedAccess {
  access: Access
  /** Absent: nobody has a password. */
  passwords?: Passwords
}

/** Joins what proves who is asking. The order matters for what is said: what can tell its own credentials comes first. */
export async function openAccess(options: OpenAccessOptions): Promise<OpenedAccess> {
  const { config, records, names, observer } = options
  const { access, tokens } = config
  if (access === undefined) return { access: accessOfTokens(tokens) }
  const now = () => performance.now()
  const { groups, remember, htpasswd } = access
  const credentials: Credential[] = [
    createConfigTokens(tokens),
    createAccessTokens({
      records,
      groups,
      onTouchFailed: (error) => observer.log.warn({ err: error }, 'the use of a token could not be noted'),
    }),
  ]
  if (options.issued !== undefined) credentials.push(options.issued.credential)
  if (access.issuers.length > 0) credentials.push(await openJwt(access, options))
  let passwords: Passwords | undefined
  if (htpasswd !== undefined) {
    const users = createHtpasswdFile({
      path: htpasswd,
      warn: (sentence) => observer.log.warn({ file: htpasswd }, sentence),
      now,
    })
    const guesses = createGuesses(access.lockout, now)
    const countAddresses = access.lockout.addresses
    const judge = createHtpasswd({ users, groups, guesses, countAddresses, remember, now })
    passwords = { judge, knows: async (user) => (await users()).find(user) !== undefined }
    credentials.push(judge)
  }
  const joined = createAccess({
    identify: createIdentify({ credentials, now }),
    decide: createDecide(access, names),
    open: false,
    closed: false,
  })
  return { access: joined, ...(passwords && { passwords }) }
}

/** Loaded where it is needed: a server without issuers is spared the library. */
async function openJwt(
  { issuers, groups, remember }: AccessConfig,
  options: OpenAccessOptions,
): Promise<Credential> {
  const [{ createJwt }, { openKeys }] = await Promise.all([
    import('./access/jwt/jwt.ts'),
    import('./open-keys.ts'),
  ])
  const keysOf = openKeys(options)
  return createJwt({
    issuers,
    groups,
    remember,
    keyFor({ name, issuer, keys }) {
      if (keys.kind !== 'secret') return keysOf(name, issuer, keys)
      const secret = new TextEncoder().encode(keys.secret)
      return () => secret
    },
  })
}
