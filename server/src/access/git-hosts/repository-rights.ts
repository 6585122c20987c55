/** What a git host says of its repositories. Origins implement it for each kind of host. */
export interface RepositoryRights {
  /**
   * Whether an account may read the contents of a repository, named by its path there: `group/project`. `false` where
   * one of the two is not there, too. Rejects with `upstream_invalid` where the host does not answer this one question, and with
   * anything else where it cannot be asked at all.
   */
  mayRead(account: string, repository: string, signal: AbortSignal): Promise<boolean>
}
