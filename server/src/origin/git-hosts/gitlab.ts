import type { RepositoryRights } from '../../access/git-hosts/repository-rights.ts'
import { ModsteadError } from '../../errors.ts'
import { askHost, type HostAnswer, type HostApi, member } from './ask-host.ts'

/** Reporter: the least role of a member that reads the code of a private project. */
const REPORTER = 20
/** Milliseconds for which the number of an account is remembered, and how many are. */
const FRESH = 60_000
const REMEMBERED = 10_000

interface Account {
  id: number
  external: boolean
}

/**
 * The rights of GitLab, by three of its REST endpoints: `GET /users?username=` for the number of an account that is not
 * blocked, `GET /projects/PATH` for who may see the project, and `GET /projects/PATH/members/all/USER`, which counts
 * membership of groups, for projects that not everybody may read. An administrator who is no member is none here.
 */
export function createGitlabRights(
  api: HostApi,
  now: () => number = () => performance.now(),
): RepositoryRights {
  const accounts = new Map<string, { account: Account | undefined; at: number }>()

  async function accountOf(name: string, signal: AbortSignal): Promise<Account | undefined> {
    const key = name.toLowerCase()
    const before = accounts.get(key)
    if (before !== undefined && now() - before.at < FRESH) return before.account
    const found = valueOf(await askHost(api, ['users'], { username: name }, signal))
    if (!Array.isArray(found)) throw new ModsteadError('upstream_invalid', 'its answer lists no users')
    const user: unknown = found.find((one) => String(member(one, 'username')).toLowerCase() === key)
    const id = member(user, 'id')
    const active = member(user, 'state') === 'active' && typeof id === 'number'
    // Only administrators are told who is external; who is not told is careful.
    const account = active ? { id, external: member(user, 'external') !== false } : undefined
    if (accounts.size >= REMEMBERED) accounts.clear()
    accounts.set(key, { account, at: now() })
    return account
  }

  return {
    async mayRead(name, repository, signal) {
      const account = await accountOf(name, signal)
      if (account === undefined) return false
      // Both at once, whatever the first says: the time tells nobody whether the project is there.
      const [shown, membershipAnswer] = await Promise.all([
        askHost(api, ['projects', repository], {}, signal),
        askHost(api, ['projects', repository, 'members', 'all', String(account.id)], {}, signal),
      ])
      const project = valueOf(shown)
      const membership = valueOf(membershipAnswer)
      // A project that was renamed still answers to its old path.
      const path = String(member(project, 'path_with_namespace'))
      if (path.toLowerCase() !== repository.toLowerCase()) return false
      const access = member(project, 'repository_access_level')
      if (access === 'disabled') return false
      const visibility = member(project, 'visibility')
      const open = visibility === 'public' || (visibility === 'internal' && !account.external)
      if (open && access === 'enabled') return true
      const level = member(membership, 'access_level')
      const state = member(membership, 'state')
      return typeof level === 'number' && level >= REPORTER && (state === undefined || state === 'active')
    },
  }
}

/** 403 is about the token here, be it for one project. Throws `upstream_invalid`. */
function valueOf(answer: HostAnswer): unknown {
  if (answer.kind === 'forbidden')
    throw new ModsteadError('upstream_invalid', 'it does not let the token ask', {
      next: 'give the token in access.gitHosts the scope read_api, and make it that of an administrator',
    })
  return answer.kind === 'found' ? answer.value : undefined
}
