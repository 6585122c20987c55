import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import type { Asker } from './askers.ts'

/** The three files of a module version, named as in the GOPROXY protocol. */
export type ArtifactKind = 'info' | 'mod' | 'zip'

/** What a GOPROXY request asks for, parsed from its raw URL: nothing behind this type checks names again. */
export type ModuleRequest =
  | { kind: 'list'; module: ModulePath }
  | { kind: 'latest'; module: ModulePath }
  /** An `.info` whose version is not canonical: a branch, a tag, a commit prefix. */
  | { kind: 'query'; module: ModulePath; query: string }
  | { kind: ArtifactKind; module: ModulePath; version: Version }

/** Who asks, as far as serving needs it. */
export interface RequestContext {
  /** Aborted when the client is gone. It ends this client's wait, never another's. */
  signal: AbortSignal
  /** `Disable-Module-Fetch: true`: answer from what is stored, fetch nothing. */
  storedOnly: boolean
  /** Identity for look-ahead: the same object for all requests of one connection, or of one address behind a proxy. */
  client: object
  /** Lets what is not stored be fetched when it is the turn of this client; absent: at once. */
  asker?: Pick<Asker, 'begin'>
  /** The request's `Modstead-Via` header: passed on to origins, so that loops are seen. */
  via?: string
}
