import { existsSync } from 'node:fs'
import { SESSION } from '../../access/issued/sessions.ts'
import { type CatalogBeside, openCatalogBeside } from '../../catalog/catalog-beside.ts'
import { catalogIn } from '../../store/data-folder.ts'

/** What lets a user in without the password. */
export interface WaysIn {
  /** Ids of access tokens that are valid. */
  tokens: string[]
  sessions: { scope: string; id: string }[]
}

/**
 * What `user` still has in these tenants (`''`: outside of them) at `now`, milliseconds since the epoch: nothing where no
 * server has made the data folder yet. Throws what `openCatalogBeside` throws.
 */
export function waysIn(dataDir: string, user: string, scopes: readonly string[], now: number): WaysIn {
  const catalog = catalogOf(dataDir)
  if (catalog === undefined) return { tokens: [], sessions: [] }
  const tokens = catalog
    .tokens()
    .filter(
      ({ owner, tenant = '' }) => owner.kind === 'user' && owner.name === user && scopes.includes(tenant),
    )
    .filter(({ revoked, expires = Infinity }) => revoked === undefined && expires > now)
    .map(({ id }) => id)
  const sessions = scopes.flatMap((scope) =>
    catalog
      .authRecords({ scope, kind: SESSION, subject: `user:${user}` })
      .filter(({ expires }) => expires > now)
      .map(({ id }) => ({ scope, id })),
  )
  return { tokens, sessions }
}

/** Ends them, on the disk when it returns. `by` is who did it. */
export function closeWaysIn(dataDir: string, { tokens, sessions }: WaysIn, by: string): void {
  const catalog = catalogOf(dataDir)
  for (const id of tokens) catalog?.revokeToken(id, by)
  for (const { scope, id } of sessions) catalog?.removeAuthRecord({ scope, kind: SESSION, id })
}

function catalogOf(dataDir: string): CatalogBeside | undefined {
  const path = catalogIn(dataDir)
  return existsSync(path) ? openCatalogBeside(path) : undefined
}
