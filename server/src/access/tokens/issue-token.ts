import type { TokenRecord } from './access-tokens.ts'
import { newToken } from './token-format.ts'

/** A token as somebody wants it. */
export type WantedToken = Pick<
  TokenRecord,
  'owner' | 'tenant' | 'note' | 'permissions' | 'modules' | 'expires'
>

/** How long a token is good where nobody says. Milliseconds, as is the most. */
export const TOKEN_LIFETIME = { usual: 90 * 86_400_000, longest: 3650 * 86_400_000 }

/** A new token, which is shown once, and the record of it that is kept. `now` is milliseconds since the epoch. */
export function issueToken(wanted: WantedToken, now: number): { token: string; record: TokenRecord } {
  const { token, id, hash } = newToken()
  return { token, record: { id, hash, created: now, ...wanted } }
}

/** The owner that `user:NAME` or `service:NAME` names; `undefined` for other texts. */
export function parseOwner(text: string): TokenRecord['owner'] | undefined {
  const [, kind, name] = /^(user|service):([^\s:]{1,256})$/.exec(text) ?? []
  return name === undefined ? undefined : { kind: kind as 'user' | 'service', name }
}
