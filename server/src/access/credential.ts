import type { FailedProof } from '../errors.ts'
import type { Presented } from './presented.ts'
import type { Principal } from './principal.ts'

/** What a kind of credential knows of the request besides what it presents. */
export interface CredentialContext {
  /** Address of the client, or `socket`. */
  address: string
  /** Milliseconds since the epoch. */
  now: number
}

/**
 * What came of a credential: somebody, for `fresh` milliseconds without looking again; nothing that this kind could
 * judge; or a refusal, with a sentence for the person at the terminal that tells nothing about other credentials, and
 * what the audit log says of it (default: failed, whoever it was).
 */
export type Judgement =
  | { principal: Principal; fresh: number }
  | 'not mine'
  | { refusal: string; next?: string; proof?: FailedProof }

/** One kind of credential. It rejects only where it could not look: `store_unavailable`, `overloaded`, outages. */
export type Credential = (presented: Presented, context: CredentialContext) => Promise<Judgement> | Judgement
