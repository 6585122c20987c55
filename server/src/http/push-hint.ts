/**
 * What a push hook says. It is a hint and no more: the receiver compares the names with the repositories it knows,
 * contacts nothing that the hint names, and believes only what a repository itself then says.
 */
export interface PushHint {
  /** The configured name of the hook that brought it. */
  hook: string
  /** Names that the repository may be known by: its full name (`group/project`) and its URLs, without credentials. */
  repository: readonly string[]
  /** Full names of the branches and tags that changed, `refs/heads/…` and `refs/tags/…`; empty: any may have. */
  refs: readonly string[]
}

/** Whoever keeps repositories. Hints come at any rate, repeated and out of order. */
export interface PushReceiver {
  /** Returns at once; `unknown` where none of the names is that of a repository it keeps. */
  onPush(hint: PushHint): 'accepted' | 'unknown'
}
