import type { RemoteRefs } from './advertisement.ts'
import type { GitSetting } from '../programs/git-environment.ts'

/** How a fetch reaches the remote repository. */
export interface FetchFrom {
  url: string
  settings: readonly GitSetting[]
  environment: Readonly<Record<string, string>>
}

/**
 * A repository at its host. Failures are `ModsteadError`: `not_found` where the host has no such repository or does not
 * show it to us, and the `upstream_…` codes of `Origin`; messages name the host and the credential entry, never a secret.
 */
export interface Remote {
  /** What its clone is kept under: not only where it is, but also as whom it is asked, for hosts show each what is theirs. */
  readonly key: string
  /** What it shares with the other repositories of its host: `git.corp.example:8443`; `''` on this machine. */
  readonly host: string
  /** Without credentials: shown in messages and `.info` files. */
  readonly url: string
  /** The refs it has now. */
  refs(signal: AbortSignal): Promise<RemoteRefs>
  /**
   * Sends a request of protocol version 2 and gives its answer as it arrives. A host that speaks no such version answers
   * with something else, or not at all.
   */
  upload(request: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>>
  /** The entry of the configuration that it is asked with, for people. */
  entry(signal: AbortSignal): Promise<string>
  /** What git is told to fetch from it. */
  fetchFrom(signal: AbortSignal): Promise<FetchFrom>
}
