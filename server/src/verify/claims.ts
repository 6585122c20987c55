/** Who says what about a module version. */
import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'

export interface ModuleName {
  path: ModulePath
  version: Version
}

/**
 * `go_sum` is a line of go.sum or go.work.sum; `zip`, `ziphash`, `mod` and `folder` are what the module cache has:
 * the contents of the zip, what its .ziphash says, the .mod file, and the folder it was extracted to; `proxy` is a
 * module proxy, and `database` the checksum database.
 */
export type Side = 'go_sum' | 'zip' | 'ziphash' | 'folder' | 'mod' | 'proxy' | 'database'

/** What hashes are of: the contents of a version, or its go.mod alone. */
export type Artifact = 'zip' | 'go.mod'

/** One side's hash of an artifact. */
export interface Claim {
  side: Side
  /** `h1:…` */
  hash: string
  /** The file, with its line where it has lines; the address of a proxy; the name of a database. */
  where: string
}

/** What is there, and cannot be compared for what it is. */
export interface Unreadable {
  side: Side
  where: string
  /** A phrase that follows "is not usable:", without control characters. */
  problem: string
  /** It could not be read at all, which says nothing of what it is. */
  isClosed?: boolean
}

export type Claims = Record<Artifact, Claim[]>

/** What a checksum database says of a version. */
export type Proof =
  /** A hash it lacks is one that its record does not have. */
  | { state: 'proven'; hashes: Partial<Record<Artifact, string>> }
  /** It has no record. */
  | { state: 'absent'; reason: string }
  /** It is not asked for this name. */
  | { state: 'uncovered'; reason: string }
  /** It could not be asked now; `next` is what to do, where that is not to try again. */
  | { state: 'unknown'; reason: string; next?: string }
  /** What came in its name does not verify. */
  | { state: 'refused'; reason: string }
