/**
 * The tables of the catalog, one schema for SQLite and PostgreSQL. `migrations.ts` makes them.
 *
 * A catalog holds millions of versions, so their rows are small: the module is a number, hashes are their 32 bytes,
 * names of origins and databases are numbers too. Times without a unit are milliseconds since the epoch.
 */
import type { Generated } from 'kysely'

export interface Schema {
  modules: ModulesTable
  versions: VersionsTable
  names: NamesTable
  snapshots: SnapshotsTable
  incidents: IncidentsTable
  acts: ActsTable
  marks: MarksTable
  totals: TotalsTable
  tokens: TokensTable
  auth_records: AuthRecordsTable
  promotions: PromotionsTable
  directory_users: DirectoryUsersTable
}

/** Every module that has a version or a snapshot. Unique: realm, path. */
export interface ModulesTable {
  id: Generated<number>
  realm: string
  path: string
}

/** Key: module, version. */
export interface VersionsTable {
  module: number
  version: string
  h1: Uint8Array | null
  go_mod_h1: Uint8Array | null
  zip_size: number | null
  zip_sha256: Uint8Array | null
  /** 0 or 1. */
  info: number
  /** RFC 3339, as the `.info` has it. */
  time: string | null
  /** Both from `names`. */
  origin: number | null
  proven_by: number | null
  /** The 20 or 32 bytes of a commit's hash. */
  git_commit: Uint8Array | null
  /** Since when the origin does not list it any more. */
  gone: number | null
  first_seen: number
  last_used: number
}

/** Names of origins and checksum databases. Unique: name. */
export interface NamesTable {
  id: Generated<number>
  name: string
}

/** Unique: module, query. */
export interface SnapshotsTable {
  module: number
  /** `list`, `latest` or an `.info` query. */
  query: string
  body: Uint8Array
  fetched: number
  changed: number
  /** From `names`. */
  origin: number
  etag: string | null
  last_modified: string | null
}

/** Key: id. Unique: realm, module, version, kind, source, expected, found. Rows are never removed. */
export interface IncidentsTable {
  id: string
  at: number
  kind: string
  realm: string
  module: string
  version: string
  source: string
  expected: string
  found: string
  outcome: string
  /** How often the same mismatch was reported, and when last. */
  count: number
  last_at: number
  /** Who looked at it, when, and what came of it: all three or none. */
  acknowledged_at: number | null
  acknowledged_by: string | null
  note: string | null
}

/** Key: id. What was published and deleted, by whom: rows are never removed. */
export interface ActsTable {
  id: string
  at: number
  who: string
  act: string
  outcome: string
  realm: string
  module: string
  version: string
  h1: string | null
  reason: string | null
}

/** Versions that were published or deleted here. Key: module, version. */
export interface MarksTable {
  module: number
  version: string
  /** 0 or 1. */
  published: number
  /** Id of the act that deleted it. */
  deletion: string | null
}

/** One row, with id 1: counts kept in the transactions that change them. */
export interface TotalsTable {
  id: number
  /** Modules of which a version is known. */
  modules: number
  versions: number
  zip_bytes: number
  incidents: number
  /** Those that nobody has acknowledged. */
  open_incidents: Generated<number>
}

/** Access tokens that were issued. Key: id. Rows are never removed: who used which token is to be found later. */
export interface TokensTable {
  id: string
  /** SHA-256 of the token. */
  hash: Uint8Array
  /** `user` or `service`. */
  owner_kind: string
  owner: string
  note: string
  /** Separated by spaces; null where nothing is narrowed. */
  permissions: string | null
  modules: string | null
  created: number
  expires: number | null
  last_used: number | null
  revoked_at: number | null
  revoked_by: string | null
  /** The name of the tenant that takes it; null: the site that is nobody's in particular. */
  tenant: string | null
}

/** Versions that were promoted: the last of a module is its stable one. Key: id. Rows are never removed. */
export interface PromotionsTable {
  id: string
  at: number
  who: string
  /** `''` for the site that is nobody's in particular. */
  tenant: string
  module: string
  version: string
  note: string
}

/** Sessions, device codes, signing keys and the like. Key: scope, kind, id. Rows go when they have expired. */
export interface AuthRecordsTable {
  /** Name of the tenant, or empty. */
  scope: string
  kind: string
  id: string
  subject: string | null
  /** JSON. */
  body: string
  expires: number
  revision: number
}

/** Users of the directory of a tenant, as it last had them. Key: tenant, id. */
export interface DirectoryUsersTable {
  /** Name of the tenant, or empty. */
  tenant: string
  id: string
  /** `present`, `gone` or `absent`. */
  state: string
  /** Both JSON: a list of names, and an object. */
  groups: string
  claims: string
  checked: number
  seen: number
}
