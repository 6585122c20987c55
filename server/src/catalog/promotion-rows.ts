/** Between the rows of promotions and the words of the proxy room. */
import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import type { PromotionRow } from '../proxy/promotions.ts'
import type { PromotionsTable } from './schema.ts'

export const PROMOTION_COLUMNS = [
  'id',
  'at',
  'who',
  'tenant',
  'module',
  'version',
  'note',
] as const satisfies (keyof PromotionsTable)[]

export function decodePromotion({ module, version, ...row }: PromotionsTable): PromotionRow {
  return { ...row, module: module as ModulePath, version: version as Version }
}
