/**
 * Something that signing in leaves behind and that has to outlive this process: a session, a device code, a signing key,
 * a token that was revoked. What is in it is known to those who keep it; the medium sees a text.
 */
export interface AuthRecord {
  /** Whose it is where several sites share the medium: the name of the tenant, or `''`. */
  scope: string
  /** `session`, `device`, `key`, `revoked`, … */
  kind: string
  id: string
  /** What it is found by besides its id: `user:alice`, a user code. */
  subject?: string
  /** JSON. */
  body: string
  /** Milliseconds since the epoch. What has expired counts as absent, and is removed some day. */
  expires: number
  /** How often it was written: 0 for one that is new. */
  revision: number
}

export type AuthKey = Pick<AuthRecord, 'scope' | 'kind' | 'id'>

/** Of one kind: all of a subject, or with none all there are. */
export interface AuthQuery extends Pick<AuthRecord, 'scope' | 'kind' | 'subject'> {
  /** Only those that end later than that, in milliseconds since the epoch. Default: expired ones, too. */
  after?: number
}

/** Where they are kept, for every process that uses the same medium. Failures of the medium are `store_unavailable`. */
export interface AuthRecords {
  authRecord(key: AuthKey): Promise<AuthRecord | undefined>
  /** Those that end first come first; at most 1000. */
  authRecords(of: AuthQuery): Promise<AuthRecord[]>
  /**
   * Writes it if that is still the revision there is: of two who read the same, one wins. A new one (0) may not be there
   * yet. `false`: nothing was written.
   */
  putAuthRecord(record: AuthRecord): Promise<boolean>
  /** `false` where there is none. */
  removeAuthRecord(key: AuthKey): Promise<boolean>
  /** Removes those that had expired by then. */
  sweepAuthRecords(until: number): Promise<void>
}
