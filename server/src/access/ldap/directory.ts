/** A directory of users and groups, as access asks it; `origin/ldap/` implements it. */
export interface Directory {
  /**
   * The one user whose name was typed, as the directory writes it; `undefined` where there is none, more than one, or
   * one that is disabled. Rejects with `directory_unavailable`.
   */
  find(typed: string): Promise<Account | undefined>
  /**
   * Whether `password` is that of the entry. With no entry something as expensive is done, and it is not.
   * Rejects with `directory_unavailable`.
   */
  isPassword(dn: string | undefined, password: string): Promise<boolean>
  /**
   * These users by their names, with all their groups. Who is not there, or is disabled, is missing. Rejects with
   * `directory_unavailable` unless all of it could be found out, also where it cannot see any user at all.
   */
  read(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, DirectoryUser>>
}

export interface Account {
  /** The name that counts here: `Alice` and `alice` are one. */
  id: string
  dn: string
}

export interface DirectoryUser {
  groups: readonly string[]
  claims: Readonly<Record<string, unknown>>
}
