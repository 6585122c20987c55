import { timingSafeEqual } from 'node:crypto'
import { type TokenRecord, type TokenRecords, untilNoneIsFresh } from './access-tokens.ts'
import { hashToken, tokenId } from './token-format.ts'

/**
 * Revokes an access token that is presented as a whole: whoever holds it may end it, be it its owner or somebody who has
 * found it. When it returns, no request that arrives after that is let in. `undefined` for one that was never issued here;
 * the first revocation holds.
 */
export async function endByBearer(
  records: Pick<TokenRecords, 'token' | 'revokeToken'>,
  token: string,
): Promise<Pick<TokenRecord, 'id' | 'owner'> | undefined> {
  const id = tokenId(token)
  const record = id === undefined ? undefined : await records.token(id)
  if (record === undefined) return undefined
  if (!timingSafeEqual(Buffer.from(record.hash), Buffer.from(hashToken(token)))) return undefined
  if (record.revoked !== undefined) return record
  await records.revokeToken(record.id, 'its bearer')
  await untilNoneIsFresh()
  return record
}
