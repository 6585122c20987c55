import type { RepositoryRights } from '../../access/git-hosts/repository-rights.ts'
import { ModsteadError } from '../../errors.ts'
import { askHost, type HostApi, member } from './ask-host.ts'

/**
 * The rights of GitHub and of Gitea and Forgejo, which both answer
 * `GET /repos/OWNER/REPOSITORY/collaborators/ACCOUNT/permission` with what an account may do in all: as a collaborator, by
 * a team, or because everybody may. See "Get repository permissions for a user" in GitHub's REST API and
 * `repoGetRepoPermissions` in Gitea's.
 *
 * Both answer 403 for a repository whose collaborators the token may not see. That is a no, as for one that is not there:
 * who asks must not be able to tell the two apart. `onForbidden` hears of it.
 */
export function createCollaboratorRights(
  api: HostApi,
  onForbidden: (repository: string) => void,
): RepositoryRights {
  return {
    async mayRead(account, repository, signal) {
      const [owner, name, ...more] = repository.split('/')
      if (owner === undefined || name === undefined || more.length > 0) return false
      const path = ['repos', owner, name, 'collaborators', account, 'permission']
      const answer = await askHost(api, path, {}, signal)
      if (answer.kind === 'forbidden') onForbidden(repository)
      if (answer.kind !== 'found') return false
      const permission = member(answer.value, 'permission')
      if (typeof permission !== 'string')
        throw new ModsteadError('upstream_invalid', 'its answer names no permission')
      // What this version does not know is no right to read.
      return READS.has(permission)
    },
  }
}

const READS: ReadonlySet<string> = new Set(['read', 'write', 'admin', 'owner'])
