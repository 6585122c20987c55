import { readFile } from 'node:fs/promises'
import type { JSONWebKeySet } from 'jose'
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

/** Joins what proves who is asking. The order matters for what is said: what can tell its own credentials comes first. */
export async function openAccess(options: OpenAccessOptions): Promise<Access> {
  const { config, records, names, observer } = options
  const { access, tokens } = config
  if (access === undefined) return accessOfTokens(tokens)
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
  if (htpasswd !== undefined) {
    const users = createHtpasswdFile({
      path: htpasswd,
      warn: (sentence) => observer.log.warn({ file: htpasswd }, sentence),
      now,
    })
    const guesses = createGuesses(access.lockout, now)
    credentials.push(
      createHtpasswd({ users, groups, guesses, countAddresses: access.lockout.addresses, remember, now }),
    )
  }
  return createAccess({
    identify: createIdentify({ credentials, now }),
    decide: createDecide(access, names),
    open: false,
    closed: false,
  })
}

/** Loaded where it is needed: a server without issuers is spared the library. */
async function openJwt(
  { issuers, groups, remember }: AccessConfig,
  { env, observer, closing }: OpenAccessOptions,
): Promise<Credential> {
  const [{ createJwt }, { createKeySource }, { createKeySets }] = await Promise.all([
    import('./access/jwt/jwt.ts'),
    import('./access/jwt/jwks.ts'),
    import('./origin/key-set.ts'),
  ])
  const sets = createKeySets(env)
  closing.push(() => sets.close())
  return createJwt({
    issuers,
    groups,
    remember,
    keyFor({ name, keys }) {
      if (keys.kind === 'secret') {
        const secret = new TextEncoder().encode(keys.secret)
        return () => secret
      }
      const bytes = () => (keys.kind === 'file' ? readFile(keys.path) : sets.get(keys.url))
      return createKeySource({
        load: async () => JSON.parse(Buffer.from(await bytes()).toString()) as JSONWebKeySet,
        onFailure: (error) =>
          observer.log.warn({ err: error, issuer: name }, 'the keys of an issuer cannot be had'),
        now: () => performance.now(),
      })
    },
  })
}
