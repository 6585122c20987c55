import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import type { StoredFile } from './answer.ts'
import type { ArtifactKind } from './request.ts'

/** `public` for shared facts, otherwise the name of a private realm. */
export type Realm = string

export interface StoreKey {
  realm: Realm
  module: ModulePath
  version: Version
  kind: ArtifactKind
}

/** A temporary file on its way into the store. Not visible to anyone until it is committed. */
export interface Spool {
  readonly path: string
  /** Bytes appended so far. */
  readonly size: number
  append(chunk: Uint8Array): Promise<void>
  /** Reads `length` bytes at `offset`, both within what was appended. */
  read(offset: number, length: number): Promise<Buffer>
  /** Closes the spool, and deletes what was not committed. To be called always, once nobody reads any more. */
  discard(): Promise<void>
}

/**
 * Where verified module files rest. Keys are immutable: a committed key never changes its contents.
 * A failure of the medium is `ModsteadError` `store_unavailable`.
 */
export interface ModuleStore {
  open(key: StoreKey): Promise<StoredFile | undefined>
  /**
   * Makes verified contents visible, whole and durably: after it returns they survive a crash. A spool must be one
   * that this store created; its bytes stay readable until it is discarded. `h1` is the dirhash for zips and the
   * go.mod hash for mods; it is what decides equality there.
   * The key held already: `identical` when it is the same fact (same h1; any bytes for an info: the first are kept),
   * and `checksum_mismatch` otherwise.
   */
  commit(key: StoreKey, contents: Uint8Array | Spool, h1?: string): Promise<'stored' | 'identical'>
  /** Deletes one file; absent is fine. */
  remove(key: StoreKey): Promise<void>
  createSpool(): Promise<Spool>
  /** Versions of which any file is stored, in no order. */
  versions(realm: Realm, module: ModulePath): Promise<string[]>
  /** Every stored key of a realm, in a stable order. */
  walk(realm: Realm): AsyncIterable<StoreKey>
  /** Rejects with `store_unavailable` when nothing can be written now. */
  probe(): Promise<void>
}
