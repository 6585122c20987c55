import type { People, Person } from '../people.ts'
import type { Directory, DirectoryUser } from './directory.ts'

/** A user as the directory last had it. Times are milliseconds since the epoch. */
export interface KnownUser extends DirectoryUser {
  id: string
  /** `gone` was there once, or is disabled; `absent` never was. */
  state: 'present' | 'gone' | 'absent'
  /** When the directory said so. */
  checked: number
  /** When somebody last came under this name. May lag by the time of a sync. */
  seen: number
}

/**
 * Where the known users are kept, so that a restart knows them while the directory is down. Each tenant has its own: its
 * name says whose, `''` for the site that is no tenant's.
 */
export interface DirectoryRecords {
  directoryUsers(tenant: string): Promise<readonly KnownUser[]>
  /** Each row holds by itself. */
  saveDirectoryUsers(tenant: string, users: readonly KnownUser[], forgotten: readonly string[]): Promise<void>
  /** Names of the users who have a token that is not revoked. */
  tokenOwners(tenant: string): Promise<readonly string[]>
}

export interface KnownUsersOptions {
  directory: Directory
  records: DirectoryRecords
  /** Whose users they are; `''` for no tenant's. */
  tenant: string
  /** Whether the name is that of a user of our own, of whom the directory says nothing. */
  isLocal: (user: string) => Promise<boolean>
  /** The groups of the configuration. */
  groups: ReadonlyMap<string, readonly string[]>
  /** How long what is known goes on while the directory cannot be asked. Milliseconds. */
  keepFor: number
  /** Told when what was learnt could not be kept: it holds all the same. */
  onSaveFailed: (error: unknown) => void
  /** Milliseconds since the epoch. */
  now: () => number
}

export interface KnownUsers extends People {
  /** Somebody has just proven to be this user. Rejects as `find`. */
  signedIn(user: string): Promise<Person | undefined>
  /**
   * Whether the file or the directory has this user now: nobody else has a password. What was never in the directory is
   * somebody for `find`, whoever else vouches for them. Rejects as `find`.
   */
  has(user: string): Promise<boolean>
  /** Asks the directory for all of them again. Rejects as `Directory.read`, and has changed nothing then. */
  sync(signal: AbortSignal): Promise<void>
  counts(): { users: number; groups: number }
}

/** Users remembered at most; those not seen for longest give way. Who is gone is not forgotten. */
const MOST = 50_000
/** How long reading one user may take. Milliseconds. */
const DEADLINE = 30_000
/** Users that are saved at a time. */
const PART = 1_000
/** How long somebody who never was in the directory is not looked for again. Milliseconds. */
const ABSENT = 60_000

/**
 * The users of a directory whom modstead has met: those who signed in, and the owners of tokens. They are asked for when
 * they are first met and at each sync; between those the directory is not asked.
 */
export async function createKnownUsers(options: KnownUsersOptions): Promise<KnownUsers> {
  const { directory, records, tenant, isLocal, groups, keepFor, onSaveFailed, now } = options
  const users = new Map((await records.directoryUsers(tenant)).map((user) => [user.id, user]))
  let counted: { users: number; groups: number } | undefined
  const asking = new Map<string, Promise<KnownUser>>()

  const own = (id: string): readonly string[] => groups.get(id) ?? []

  function personOf({ id, state, groups, claims }: KnownUser): Person | undefined {
    if (state === 'gone') return undefined
    return { groups: [...new Set([...own(id), ...groups])], claims }
  }

  /** What the directory says now of somebody, together with what was known. */
  function judged(id: string, found: DirectoryUser | undefined, checked: number, seen: number): KnownUser {
    if (found !== undefined) return { id, ...found, state: 'present', checked, seen }
    const before = users.get(id)
    const state = before === undefined || before.state === 'absent' ? 'absent' : 'gone'
    return { id, groups: [], claims: {}, state, checked, seen }
  }

  /** A part at a time, so that the event loop is not held up by many. */
  async function save(changed: readonly KnownUser[], forgotten: readonly string[] = []): Promise<void> {
    counted = undefined
    try {
      if (forgotten.length > 0) await records.saveDirectoryUsers(tenant, [], forgotten)
      for (let at = 0; at < changed.length; at += PART)
        await records.saveDirectoryUsers(tenant, changed.slice(at, at + PART), [])
    } catch (error) {
      onSaveFailed(error)
    }
  }

  async function ask(id: string): Promise<KnownUser> {
    const at = now()
    const user = judged(id, (await directory.read([id], AbortSignal.timeout(DEADLINE))).get(id), at, at)
    users.set(id, user)
    await save([user])
    return user
  }

  /** Asks once for all who want to know at the same time. */
  function askOnce(id: string): Promise<KnownUser> {
    let running = asking.get(id)
    if (running === undefined) {
      running = ask(id).finally(() => asking.delete(id))
      asking.set(id, running)
    }
    return running
  }

  /** What is known of somebody who is no user of our own, asked for where that is too old. */
  async function look(id: string): Promise<KnownUser> {
    const user = users.get(id)
    if (user === undefined) return askOnce(id)
    user.seen = now()
    const age = now() - user.checked
    if (user.state === 'gone' || (age >= 0 && age < (user.state === 'absent' ? ABSENT : keepFor))) return user
    // Whoever has nothing from the directory loses nothing while it is down.
    if (user.state === 'absent') return askOnce(id).catch(() => user)
    return askOnce(id)
  }

  return {
    find: async (id) => ((await isLocal(id)) ? { groups: own(id), claims: {} } : personOf(await look(id))),
    has: async (id) => (await isLocal(id)) || (await look(id)).state === 'present',
    signedIn: async (id) => personOf(await askOnce(id)),
    async sync(signal) {
      const began = now()
      const owners = await records.tokenOwners(tenant)
      const ids: string[] = []
      for (const id of new Set([...users.keys(), ...owners])) if (!(await isLocal(id))) ids.push(id)
      const found = await directory.read(ids, signal)
      const changed: KnownUser[] = []
      for (const id of ids) {
        const before = users.get(id)
        // Asked for anew meanwhile: that is newer.
        if (before !== undefined && before.checked > began) continue
        changed.push(judged(id, found.get(id), began, before?.seen ?? began))
      }
      for (const user of changed) users.set(user.id, user)
      const forgotten = tooMany(users)
      for (const id of forgotten) users.delete(id)
      await save(
        changed.filter(({ id }) => users.has(id)),
        forgotten,
      )
    },
    counts: () => (counted ??= count(users.values())),
  }
}

function count(users: Iterable<KnownUser>): { users: number; groups: number } {
  const present = [...users].filter(({ state }) => state === 'present')
  return { users: present.length, groups: new Set(present.flatMap(({ groups }) => groups)).size }
}

function tooMany(users: ReadonlyMap<string, KnownUser>): string[] {
  if (users.size <= MOST) return []
  return [...users.values()]
    .filter(({ state }) => state !== 'gone')
    .sort((a, b) => a.seen - b.seen)
    .slice(0, users.size - MOST)
    .map(({ id }) => id)
}
