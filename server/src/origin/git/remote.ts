import type { RemoteRefs } from './advertisement.ts'
import type { FetchFrom } from './clone.ts'

/**
 * A repository at its host. Failures are `ModsteadError`: `not_found` where the host has no such repository or does not
 * show it to us, and the `upstream_…` codes of `Origin`; messages name the host and the credential entry, never a secret.
 */
export interface Remote {
  /** Without credentials: shown in messages and `.info` files. */
  readonly url: string
  /** The refs it has now. */
  refs(signal: AbortSignal): Promise<RemoteRefs>
  /** What git is told to fetch from it. */
  fetchFrom(signal: AbortSignal): Promise<FetchFrom>
}
