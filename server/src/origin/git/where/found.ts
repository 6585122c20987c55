import type { ModulePath } from '@modstead/gomod/path'
import type { OriginOptions } from '../../../proxy/origin.ts'

/** Where the code of a module is kept. */
export interface FoundRepository {
  /** The path that stands for the repository, or for `subdirectory` of it: a prefix of the module path. */
  root: string
  /** What git is given: `https:`, `ssh:`, `http:` of a configured host, or `file:` of a mapping. No credentials. */
  url: URL
  /** The same as `go` writes it into the Origin of an `.info`: for a path with `.git` in it, the URL without. */
  goUrl: string
  /** The folder of the repository that `root` stands for; `''` usually. */
  subdirectory: string
  /** The configuration named it: its host may have any address, and `http:` may be asked with credentials. */
  configured: boolean
  /**
   * The module path or a configured host named its host. Otherwise a stranger's page did, and it is reached like any
   * public repository: only at public addresses, and without the credentials we have for that host.
   */
  trusted: boolean
  /** Of a `file:` that is mapped: the folder that the configuration names, in which it is or which it is itself. */
  below?: URL
}

/** What stands behind a module path: a repository, or another module proxy that a page names (its base URL). */
export type Found = { vcs: 'git'; repository: FoundRepository } | { vcs: 'mod'; root: string; url: URL }

export interface DiscoverOptions extends OriginOptions {
  /** Whether a host (with its port where that is not the usual one) may hear of this module. */
  mayAsk(host: string): boolean
}

/** Finds out where modules come from. */
export interface Discovery {
  /**
   * Where `module` comes from. What pages say is remembered for some minutes.
   *
   * Throws `not_found` where there is no repository for this path, `upstream_unreachable`, `upstream_timeout`,
   * `upstream_refused` and `upstream_failed` for hosts that cannot say, and `upstream_invalid` for answers that break
   * the rules, for other version control systems than git, and for what may not be asked.
   */
  discover(module: ModulePath, options: DiscoverOptions): Promise<Found>
}
