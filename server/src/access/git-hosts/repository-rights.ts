/** What a git host says of its repositories. Origins implement it for each kind of host. */
export interface RepositoryRights {
  /**
   * Whether an account may read the contents of a repository, named by its path there: `group/project`. `false` where
   * one of the two is not there, too. Rejects with `upstream_…` where the host could not be asked or did not answer the
   * question.
   */
  mayRead(account: string, repository: string, signal: AbortSignal): Promise<boolean>
}
