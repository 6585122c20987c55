import type { People } from './people.ts'
import type { Principal } from './principal.ts'

/** What a credential says of its bearer, and of itself. */
export interface Proven extends Pick<Principal, 'id' | 'limit' | 'expires' | 'renewed' | 'tenant'> {
  kind: 'user' | 'service' | 'workload'
  groups?: readonly string[]
  claims?: Readonly<Record<string, unknown>>
}

/**
 * The principal of a credential; `undefined` for a user whom the directory knows no more. Groups of both count. What the
 * directory says of a user holds against what the credential says: claims of an issuer may be what people write of
 * themselves. Rejects as `People.find`.
 */
export async function joinPerson(proven: Proven, people: People): Promise<Principal | undefined> {
  const { groups = [], claims = {}, ...rest } = proven
  if (rest.kind !== 'user') return { ...rest, groups: [...new Set(groups)], claims, rights: [] }
  const person = await people.find(rest.id)
  return (
    person && {
      ...rest,
      groups: [...new Set([...groups, ...person.groups])],
      claims: { ...claims, ...person.claims },
      rights: [],
    }
  )
}
