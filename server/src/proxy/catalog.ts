import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import type { Validators } from './origin.ts'
import type { Realm } from './store.ts'

/** What is known of a module version for ever. A field that is absent is not known yet. */
export interface VersionFacts {
  /** Dirhash of the zip. */
  h1?: string
  /** Dirhash of the go.mod. */
  goModH1?: string
  /** Bytes, and hex SHA-256 of the zip as it is stored. */
  zipSize?: number
  zipSha256?: string
  /** The `.info` file was checked and is stored. */
  info?: boolean
  /** Commit time as the `.info` says it, RFC 3339. */
  time?: string
  /** Name of the origin that gave the first file. */
  origin?: string
  /** Name of the checksum database whose record proved the hashes; absent where none was asked. */
  provenBy?: string
  /** Hex hash of the commit that the files were made from, where they came from a repository. */
  commit?: string
}

/** Fields of `VersionRow`. */
export type VersionTrace = Pick<VersionRow, 'commit' | 'gone'>

export interface VersionRow extends VersionFacts {
  /** Milliseconds since the epoch. `lastUsed` may lag by a minute. */
  firstSeen: number
  lastUsed: number
  /** Milliseconds since the epoch: since then its origin does not list it any more. It is listed and served all the same. */
  gone?: number
  /** It was published here, and is listed for as long as it is not deleted. */
  published?: boolean
  /** It was deleted, and may not be given any more. */
  deleted?: Deletion
}

export interface Deletion {
  /** Milliseconds since the epoch. */
  at: number
  /** Name of the token, and the reason that was given. */
  who: string
  reason: string
}

/** What of a module was published or deleted here, whichever came last. */
export interface Mark {
  version: string
  published: boolean
  deleted: boolean
}

/** Something that a person, or a build in a person's name, did to a version. Kept for ever. */
export interface Act {
  act: 'publish' | 'delete'
  /** Name of the token. */
  who: string
  realm: Realm
  module: ModulePath
  version: Version
  /** Dirhash of the zip; absent where it was deleted before it was known. */
  h1?: string
  /** Why it was deleted. */
  reason?: string
}

export interface ActRow extends Act {
  id: string
  /** Milliseconds since the epoch. */
  at: number
  /** `begun` while its files are on their way into or out of the store; `undone` when they never got there. */
  outcome: 'begun' | 'done' | 'undone'
}

/** What a mutable question was last answered with. `query` is `list`, `latest` or an `.info` query. */
export interface Snapshot {
  body: Buffer
  /** Milliseconds since the epoch: when an origin last confirmed it. */
  fetched: number
  /** Milliseconds since the epoch: when the body last changed. */
  changed: number
  origin: string
  validators?: Validators
}

/** A mismatch of what must never differ: recorded, never overwritten. */
export interface Incident {
  kind: 'zip' | 'mod' | 'store' | 'checksum_database' | 'tag'
  realm: Realm
  module: string
  version: string
  /** Name of the origin or database that gave what does not fit. */
  source: string
  /** The hash that holds, and the one that came; for a fork the two heads, for a tag that moved the two commits. */
  expected: string
  found: string
  /** What was served instead, in one sentence. */
  outcome: string
}

export interface IncidentRow extends Incident {
  id: string
  /** When it was first seen, and last. Milliseconds since the epoch. */
  at: number
  lastAt: number
  /** How often the same mismatch was reported: 1 or more. */
  count: number
  /** Absent while the incident is open. */
  acknowledged?: Acknowledgement
}

/** Who looked at an incident: the name of a token, or `user NAME` of the machine; and what came of it, in one line. */
export interface Remark {
  who: string
  note: string
}

export interface Acknowledgement extends Remark {
  /** Milliseconds since the epoch. */
  at: number
}

/** A page of incidents, the newest first. */
export interface IncidentsOptions {
  /** Rows at most: 1 or more. */
  limit: number
  /** Id of an incident: only older ones. */
  before?: string
  /** Only open ones, or only acknowledged ones. Default: both. */
  open?: boolean
  /** Only those with modules of this realm. Default: of all. */
  realm?: Realm
}

/** `zipBytes` is in bytes; `openIncidents` are those of the `incidents` that nobody has acknowledged. */
export interface CatalogTotals {
  modules: number
  versions: number
  zipBytes: number
  incidents: number
  openIncidents: number
}

/**
 * What is known about modules. Embedded it is SQLite, in a cluster PostgreSQL; nothing above may tell which.
 * Writes are durable when their promise settles. Failures of the medium are `store_unavailable`.
 */
export interface Catalog {
  version(realm: Realm, module: ModulePath, version: Version): Promise<VersionRow | undefined>
  /**
   * Adds facts about a version. Facts are never replaced: a hash that differs from the one known is
   * `checksum_mismatch` and changes nothing. `zipSize` and `zipSha256` describe the bytes that are stored, which come
   * anew when a damaged file was replaced: they take the values given last, and a new size alone forgets the SHA-256.
   * A commit is like a hash. Other fields keep their first value.
   */
  learn(realm: Realm, module: ModulePath, version: Version, facts: VersionFacts): Promise<void>
  /** Marks versions as used now; batched by the caller, may be dropped on a crash. */
  touch(uses: readonly { realm: Realm; module: string; version: string; at: number }[]): Promise<void>
  /** The versions of a module that were made from a commit, or are gone from their origin's list. */
  traces(realm: Realm, module: ModulePath): Promise<ReadonlyMap<string, VersionTrace>>
  /** Marks versions as gone from their origin's list, or as back in it. Those not known are passed over. */
  markGone(
    realm: Realm,
    module: ModulePath,
    change: { gone: readonly string[]; back: readonly string[] },
  ): Promise<void>
  snapshot(realm: Realm, module: ModulePath, query: string): Promise<Snapshot | undefined>
  saveSnapshot(realm: Realm, module: ModulePath, query: string, snapshot: Snapshot): Promise<void>
  /** Records an incident; the same mismatch reported again is counted on the incident it has, open or not. */
  report(incident: Incident): Promise<IncidentRow>
  /**
   * Notes that somebody has looked at an incident, and gives it; `undefined` where there is none of this id. The first
   * remark holds: one that is acknowledged already stays as it is.
   */
  acknowledge(id: string, remark: Remark): Promise<IncidentRow | undefined>
  incident(id: string): Promise<IncidentRow | undefined>
  /** Newest first. */
  incidents(options: IncidentsOptions): Promise<IncidentRow[]>
  /**
   * Begins an act, before any file is touched. From here on a version that is deleted counts as `deleted`. Throws
   * `internal` for a version of which nothing is known.
   */
  begin(act: Act): Promise<ActRow>
  /**
   * Ends an act once its files are where they should be, all in one step: a published version gets its `facts`, as by
   * `learn`, counts as published, and no more as deleted. `undone` only closes the record of a publication.
   */
  end(id: string, outcome: 'done' | 'undone', facts?: VersionFacts): Promise<void>
  /** Newest first; `begun` ones only where that is asked. */
  acts(options: { limit: number; before?: string; begun?: boolean }): Promise<ActRow[]>
  /** The same of one realm. It costs no more where others have done much. */
  actsIn(realm: Realm, options: { limit: number; before?: string }): Promise<ActRow[]>
  /** The acts on versions of a module that were begun and have not ended, the oldest first. */
  unfinished(realm: Realm, module: ModulePath): Promise<ActRow[]>
  /** The versions of a module that were published or deleted here, in no order. */
  marks(realm: Realm, module: ModulePath): Promise<Mark[]>
  /** Cheap enough for a home page: counts kept by the catalog itself, not scans. */
  totals(): Promise<CatalogTotals>
  close(): Promise<void>
}
