import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import type { Asker as ProxyAsker } from '../proxy/askers.ts'

/** For whom a database is asked. */
export interface Asker {
  /** Aborted when the client is gone. */
  signal: AbortSignal
  /** Address of the client, whose questions may be limited; absent for work of our own. */
  client?: string
  /** Lets it be fetched in the turn of this client; absent: at once. */
  cold?: Pick<ProxyAsker, 'begin'>
  /** `Disable-Module-Fetch: true`: nothing is fetched or built for it. */
  storedOnly?: boolean
  /** The request's `Modstead-Via` header. */
  via?: string
}

/** A checksum database that this server answers for. Failures are `ModsteadError`. */
export interface ServedDatabase {
  readonly name: string
  /** A log of our own: private names may be in it, and its records in bulk are for auditors. */
  readonly own: boolean
  /** A signed head. */
  latest(asker: Asker): Promise<Buffer>
  /** The body of `/lookup/<module>@<version>`. */
  lookupResponse(module: ModulePath, version: Version, asker: Asker): Promise<Buffer>
  /** A hash tile or data tile by its path after `/tile/`, e.g. `8/0/x001/234` or `8/data/005.p/17`. */
  tile(path: string, asker: Asker): Promise<Buffer>
}
