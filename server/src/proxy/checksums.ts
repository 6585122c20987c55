import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import type { OriginOptions } from './origin.ts'
import type { Realm } from './store.ts'

/** The hashes a checksum database has for a module version, proven to be in its log. */
export interface ChecksumRecord {
  /** Name of the database. */
  database: string
  h1: string
  goModH1: string
}

/** The hashes of one version. */
export type VersionHashes = Pick<ChecksumRecord, 'h1' | 'goModH1'>

/**
 * The hashes that a log of our own has for a version: promised for ever, whatever the catalog remembers. It asks
 * nobody, and gives `undefined` for a version that is not in the log.
 */
export type PromisedHashes = (module: ModulePath, version: Version) => Promise<VersionHashes | undefined>

/** The same of all logs of ours, each of which promises for the modules of its realms. */
export type PromisedIn = (
  realm: Realm,
  module: ModulePath,
  version: Version,
) => Promise<VersionHashes | undefined>

/**
 * A checksum database as the fetch pipeline needs it.
 * `lookup` throws `ModsteadError`: `checksum_missing` where the database says it has no such version,
 * `checksum_unavailable` where it cannot be reached now, `checksum_invalid` where its answers do not verify.
 */
export interface ChecksumDatabase {
  readonly name: string
  lookup(module: ModulePath, version: Version, options: OriginOptions): Promise<ChecksumRecord>
}
