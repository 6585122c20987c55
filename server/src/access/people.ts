/** What is known of a user whatever the credential was. */
export interface Person {
  /** Names of groups, without the built-in ones. */
  groups: readonly string[]
  /** What a directory says of the user, as far as rules may look at it. */
  claims: Readonly<Record<string, unknown>>
}

/** Who the users are, and in which groups. */
export interface People {
  /**
   * `undefined` for somebody who was known and is so no more: no credential of that name counts then. Rejects with
   * `directory_unavailable` where it depends on a directory that cannot be asked.
   */
  find(user: string): Promise<Person | undefined>
}

/** The users of the configuration alone: whoever proves to be somebody is. */
export function peopleOf(groups: ReadonlyMap<string, readonly string[]>): People {
  return { find: async (user) => ({ groups: groups.get(user) ?? [], claims: {} }) }
}
