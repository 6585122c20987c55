import { timingSafeEqual } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { type Permission, PERMISSIONS } from '../../config/permissions.ts'
import type { Credential } from '../credential.ts'
import { joinPerson } from '../join-person.ts'
import type { People } from '../people.ts'
import { hashToken, TOKEN_PREFIX, tokenId } from './token-format.ts'

/** A token that was issued, as it is kept. Times are milliseconds since the epoch. */
export interface TokenRecord {
  id: string
  /** Hex SHA-256. */
  hash: string
  owner: { kind: 'user' | 'service'; name: string }
  /** The one tenant that takes it; absent: the site that is nobody's in particular. */
  tenant?: string
  /** What its owner wrote to tell it from others. */
  note: string
  /** The most it may be used for; absent: all that its owner may. */
  permissions?: readonly Permission[]
  /** GOPRIVATE-style patterns; absent: all modules. */
  modules?: readonly string[]
  created: number
  /** Absent: never. */
  expires?: number
  /** May lag by a minute. Absent: not yet. */
  lastUsed?: number
  revoked?: { at: number; by: string }
}

/** A page of tokens, the newest first. */
export interface TokensOptions {
  /** Rows at most: 1 or more. */
  limit: number
  /** Id of a token: only older ones. */
  before?: string
  /** Only those of this owner. */
  owner?: TokenRecord['owner']
  /** Only those of this tenant; empty: those that are nobody's in particular. */
  tenant?: string
}

/** Where the tokens are kept. Failures of the medium are `store_unavailable`. */
export interface TokenRecords {
  token(id: string): Promise<TokenRecord | undefined>
  tokens(options: TokensOptions): Promise<TokenRecord[]>
  /** Durable when it settles, as `revokeToken` is. */
  addToken(token: TokenRecord): Promise<void>
  /** The first revocation holds; `undefined` where there is no such token. */
  revokeToken(id: string, by: string): Promise<TokenRecord | undefined>
  /** Notes that tokens were used; may be lost in a crash. */
  touchTokens(uses: readonly { id: string; at: number }[]): Promise<void>
}

export interface AccessTokensOptions {
  records: Pick<TokenRecords, 'token' | 'touchTokens'>
  /** The name of the tenant whose tokens are taken, and no other's; absent: those that are nobody's in particular. */
  tenant?: string | undefined
  people: People
  onTouchFailed: (error: unknown) => void
}

/**
 * How long a token that is good is not looked up again, in milliseconds. Whatever revokes one waits for longer than this
 * before it says that it did, so that nobody sees a request succeed after that.
 */
export const TOKEN_FRESH = 100

/** For after a revocation: when it settles, no process takes for good any more what was revoked before. */
export async function untilNoneIsFresh(): Promise<void> {
  await wait(2 * TOKEN_FRESH)
}

/** How often the use of a token is noted. Milliseconds. */
const NOTED = 60_000

/** The tokens that modstead issued. What begins with `mst_` is judged here and nowhere else. */
export function createAccessTokens({
  records,
  tenant,
  people,
  onTouchFailed,
}: AccessTokensOptions): Credential {
  const noted = new Map<string, number>()

  function note(id: string, at: number): void {
    if (at - (noted.get(id) ?? -Infinity) < NOTED) return
    if (noted.size >= 10_000) noted.clear()
    noted.set(id, at)
    records.touchTokens([{ id, at }]).catch(onTouchFailed)
  }

  return async ({ secret }, { now }) => {
    if (!secret.startsWith(TOKEN_PREFIX)) return 'not mine'
    const id = tokenId(secret)
    if (id === undefined) return MISTYPED
    const record = await records.token(id)
    const good =
      record !== undefined &&
      record.tenant === tenant &&
      timingSafeEqual(Buffer.from(record.hash), Buffer.from(hashToken(secret)))
    if (!good) return GONE
    const owned = { id: record.owner.name, kind: record.owner.kind }
    if (record.revoked !== undefined) return { ...GONE, proof: { result: 'failed', principal: owned } }
    if (record.expires !== undefined && now >= record.expires)
      return { ...GONE, proof: { result: 'expired', principal: owned } }
    const { permissions, modules, expires } = record
    const narrowed = permissions !== undefined || modules !== undefined
    const principal = await joinPerson(
      {
        ...owned,
        ...(expires !== undefined && { expires }),
        ...(narrowed && {
          limit: { permissions: permissions ?? PERMISSIONS, ...(modules && { modules }) },
        }),
      },
      people,
    )
    if (principal === undefined) return { ...LEFT, proof: { result: 'failed', principal: owned } }
    note(id, now)
    return { principal, fresh: TOKEN_FRESH }
  }
}

const MISTYPED = {
  refusal: 'the token of the request is incomplete or mistyped: its last characters do not fit the others',
  next: 'copy it whole: mst_ and 46 letters and digits',
}
const GONE = {
  refusal: 'the token of the request is not valid: it has expired, was revoked, or was never issued here',
  next: 'make a new one with modstead token create, or ask who runs this server',
}
const LEFT = {
  refusal: 'the token of the request belongs to somebody whom the directory of users does not have any more',
  next: 'ask who runs that directory whether the account was ended',
}
