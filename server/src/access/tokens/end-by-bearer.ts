import { timingSafeEqual } from 'node:crypto'
import { type TokenRecords, untilNoneIsFresh } from './access-tokens.ts'
import { hashToken, tokenId } from './token-format.ts'

/**
 * Revokes an access token that is presented as a whole: whoever holds it may end it, be it its owner or somebody who has
 * found it. When it returns, no request that arrives after that is let in. `false` for one that was never issued here; the
 * first revocation holds.
 */
export async function endByBearer(
  records: Pick<TokenRecords, 'token' | 'revokeToken'>,
  token: string,
): Promise<boolean> {
  const id = tokenId(token)
  const record = id === undefined ? undefined : await records.token(id)
  if (record === undefined) return false
  if (!timingSafeEqual(Buffer.from(record.hash), Buffer.from(hashToken(token)))) return false
  if (record.revoked !== undefined) return true
  await records.revokeToken(record.id, 'its bearer')
  await untilNoneIsFresh()
  return true
}
