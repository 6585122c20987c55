import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import type { Acts } from './acts.ts'
import type { Answer } from './answer.ts'
import type { VersionHashes } from './checksums.ts'
import type { ModuleRequest, RequestContext } from './request.ts'
import type { Realm } from './store.ts'

/** What changed, for those who remember answers: they drop what this names. */
export interface Change {
  realm: Realm
  module: ModulePath
  /** A version whose files must not be given from memory any more; absent: the module's lists and queries. */
  version?: string
  /** Besides these, the files of every version. */
  everyVersion?: true
}

/** A version whose zip was verified and stored just now. */
export interface Stored {
  realm: Realm
  module: ModulePath
  version: Version
}

/** The proxy room as the listeners see it: one visible flow from a request to an answer. */
export interface ModuleProxy {
  /** Throws `ModsteadError` for everything that is not an answer. */
  serve(request: ModuleRequest, context: RequestContext): Promise<Answer>
  /** Refuses with `private_name` a module whose name must not reach a public checksum database. */
  refusePrivate(module: ModulePath): void
  /** Publishing and deleting versions. */
  readonly acts: Pick<Acts, 'publish' | 'delete'>
  /**
   * The hashes of a version, which is fetched or built where they are not known: what a log of ours is to promise.
   * Throws as `serve` does for its zip and its go.mod.
   */
  hashes(module: ModulePath, version: Version, context: RequestContext): Promise<VersionHashes>
  /** What is known of them without asking anybody, those of deleted versions too. */
  knownHashes(module: ModulePath, version: Version): Promise<Partial<VersionHashes>>
  /** Called after each zip that was stored in one of its realms; returns the function that ends it. */
  onStored(listener: (stored: Stored) => void): () => void
  /** Called after each change in one of its realms; returns the function that ends it. */
  onChange(listener: (change: Change) => void): () => void
  /**
   * Takes note that a module has changed: its lists and queries are asked for anew, and the versions that are new in
   * its list are fetched before anyone asks. Settles when all of them are stored or were tried, or the signal fired.
   */
  refresh(module: ModulePath, signal: AbortSignal): Promise<void>
  /** The same for every version of its list. */
  keepWhole(module: ModulePath, signal: AbortSignal): Promise<void>
  /** Notes uses of remembered answers, so that `last used` stays true; batched. */
  touched(uses: readonly { realm: Realm; module: string; version: string; at: number }[]): void
  /** Stops look-ahead and waits for running fetches until the signal fires. It ends all proxies of its engine. */
  close(signal: AbortSignal): Promise<void>
}
