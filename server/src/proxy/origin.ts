import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import type { Asker } from './askers.ts'

/** HTTP validators of a mutable answer, kept so that it can be renewed with a conditional request. */
export interface Validators {
  etag?: string
  lastModified?: string
}

/** `time` is RFC 3339 where the origin gave it; `commit` that of the tag, where the origin is a repository. */
export interface ListedVersion {
  version: string
  time?: string
  commit?: string
}

export interface VersionList {
  /** In the origin's order; lines that are not versions are dropped. */
  versions: ListedVersion[]
  validators?: Validators
}

/** An `.info` file: the origin's bytes verbatim, with what was parsed and checked of them. */
export interface InfoFile {
  bytes: Buffer
  version: Version
  /** RFC 3339 as the origin wrote it. */
  time?: string
  validators?: Validators
  /** The commit it is made from, where the origin is a repository. */
  commit?: string
}

export interface GoModFile {
  bytes: Buffer
  /** As in `InfoFile`. */
  commit?: string
}

/** A zip on its way. Whoever gets it must read `chunks` to the end or destroy them through the signal. */
export interface ZipSource {
  /** Content-Length where the origin gave one: a promise that `chunks` either keeps or throws. */
  size?: number
  chunks: AsyncIterable<Buffer>
  /** As in `InfoFile`. */
  commit?: string
}

export interface OriginOptions extends OnBehalf, RouteLimits {
  signal: AbortSignal
}

/** What the route of a module allows its origins. */
export interface RouteLimits {
  /** Hosts that a repository may be at, as patterns of host names; absent: any. */
  hosts?: readonly string[]
  /** The names of these modules are for hosts alone that the configuration or the path itself names; default: false. */
  private?: boolean
}

/** For whom an origin is asked. */
export interface OnBehalf {
  /** `background` work waits while the origin's connections are wanted by clients. */
  priority: 'client' | 'background'
  /** Fires when a client begins to wait for what was begun as background work: it goes on as the client's. */
  promoted?: AbortSignal
  /** Somebody has said that it will be wanted: also origins that are asked for nothing ahead are asked for it. */
  announced?: boolean
  /** The client whose turn it has to be before an origin is asked; absent: ourselves, or one that has its turn. */
  asker?: Asker
  /** The `Modstead-Via` header of the request on whose behalf this is asked: passed on, so that loops are seen. */
  via?: string
}

export interface RenewOptions extends OriginOptions {
  /** Validators of the copy at hand: an origin that knows it is unchanged answers `unchanged`. */
  since?: Validators
}

/** A question about one version. */
export interface ExactOptions extends OriginOptions {
  /**
   * The commit that this version was first seen at. A repository is to give that one, wherever its tag leads by now;
   * other origins do not know commits.
   */
  commit?: string
}

/** A question whose answer is a version: of `latest`, a branch, a tag or a commit. */
export interface ResolveOptions extends RenewOptions, ExactOptions {
  /**
   * The commits that versions of the module were first seen at. Where the tag of one leads to another commit by now,
   * a repository is not to give that version for it.
   */
  firstSeen?: ReadonlyMap<string, string>
}

/**
 * A place modules come from. Answers are parsed and bounded in size, but their contents are not yet verified.
 *
 * Failures are `ModsteadError`: `not_found` only for true absence (404 and 410), `upstream_unreachable`,
 * `upstream_timeout`, `upstream_refused` (401, 403, 407, 429), `upstream_failed` (any other status),
 * `upstream_invalid` (an answer that breaks the protocol), `upstream_page` (HTML, by whomever), `aborted` when the signal
 * fired.
 * Messages name the origin and its host, never a credential.
 */
export interface Origin {
  /** The name it has in the configuration: shown in messages, logs, metrics and the catalog. */
  readonly name: string
  /** Whether it may be asked for what nobody has asked for yet: false where asking starts searches or clones. */
  readonly speculative: boolean
  versions(module: ModulePath, options: RenewOptions): Promise<VersionList | 'unchanged'>
  /** `query` is `latest` (the `/@latest` endpoint) or any `.info` query; a canonical version resolves to itself. */
  resolve(module: ModulePath, query: string, options: ResolveOptions): Promise<InfoFile | 'unchanged'>
  goMod(module: ModulePath, version: Version, options: ExactOptions): Promise<GoModFile>
  zip(module: ModulePath, version: Version, options: ExactOptions): Promise<ZipSource>
  /** The modules of the repository at whose root `module` is, itself included; absent where there are no repositories. */
  modulesIn?(module: ModulePath, options: OriginOptions): Promise<ModulePath[]>
  /** The way to a module step by step, as names and values for people, without secrets. Throws what asking throws. */
  explain?(module: ModulePath, options: OriginOptions): AsyncIterable<[what: string, said: string]>
  /** Ends its connections. */
  close(): Promise<void>
}
