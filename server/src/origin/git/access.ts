import type { FoundRepository } from './found.ts'

/** What git needs to reach one repository, and nothing that it could use elsewhere. */
export interface RemoteAccess {
  /** Value of an Authorization header for http remotes. */
  authorization?: string
  /** PEM file with authorities trusted besides the system's. */
  ca?: string
  /** PEM files. */
  certificate?: { cert: string; key: string }
  /**
   * The addresses that were checked, as git's `http.curloptResolve` wants them: `host:port:address[,address]`. Absent
   * where any address is fine, and where an HTTP proxy does the look-up.
   */
  resolve?: string
  /** URL of the HTTP proxy through which the remote is reached; it may hold a login. */
  proxy?: string
  /** Files for an ssh remote: our key, and the host keys that are accepted, which are the only ones. */
  ssh?: { key: string; knownHosts: string }
  /** The entry of the configuration that was used: `credentials[1] (git.corp.example)`, or `none`. */
  entry: string
}

/** Decides with what a repository may be reached. */
export interface Access {
  /**
   * Throws `upstream_invalid` for a host without a public address that is not configured, `upstream_refused` where the
   * configured secret cannot be read or no token is given for it, and what asking for a token throws.
   */
  accessTo(repository: FoundRepository, options: { signal: AbortSignal }): Promise<RemoteAccess>
  /**
   * Tells that the remote refused this access (401). Whether `accessTo` may give a better one now: a cached token is
   * dropped, and that once for each.
   */
  refused(access: RemoteAccess): boolean
}
