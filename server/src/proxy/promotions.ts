import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'

/** That a version is the stable one of its module, from now on and for one tenant. */
export interface Promotion {
  /** `''` for the site that is nobody's in particular. */
  tenant: string
  module: ModulePath
  version: Version
  /** Name of the user or token, or `user NAME` of the machine. */
  who: string
  /** Why, in one line; may be empty. */
  note: string
}

export interface PromotionRow extends Promotion {
  id: string
  /** Milliseconds since the epoch. */
  at: number
}

/** Where promotions are kept: rows are added, and never changed. Failures of the medium are `store_unavailable`. */
export interface PromotionRecords {
  /** Durable when it settles. */
  promote(promotion: Promotion): Promise<PromotionRow>
  /** The last promotion of a module. */
  promoted(tenant: string, module: ModulePath): Promise<PromotionRow | undefined>
  /** Newest first: at most `limit`, of those before the one with the id `before`. */
  promotions(options: { tenant: string; limit: number; before?: string }): Promise<PromotionRow[]>
}
