import { createHmac, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { ModsteadError } from '../../errors.ts'
import type { Credential } from '../credential.ts'
import { networkOf } from '../network.ts'
import type { Directory } from '../ldap/directory.ts'
import { joinPerson } from '../join-person.ts'
import type { People, Person } from '../people.ts'
import { type HtpasswdUsers, LOOKED_AT } from './htpasswd-file.ts'
import { createLane, type Lane } from '../lane.ts'
import type { Guesses } from './lockout.ts'

export interface PasswordsOptions {
  /** Users of our own. */
  local: () => Promise<HtpasswdUsers>
  /** Who judges the passwords of everybody else; absent: they have none. */
  directory?: PasswordDirectory
  people: People
  guesses: Guesses
  /** Whether guesses count for the address that they come from, too. */
  countAddresses: boolean
  /** How long a password that was compared is not compared again. Milliseconds. */
  remember: number
  /** Told each time wrong passwords have closed a user or an address. */
  onLockout?: (lockout: ClosedByGuesses) => void
  now: () => number
}

export interface ClosedByGuesses {
  closed: 'user' | 'address'
  /** Where the guesses came from. */
  address: string
  /** Who was guessed at; absent where nobody has that name: it may be a password in the wrong place. */
  user?: string
}

export interface PasswordDirectory extends Pick<Directory, 'find' | 'isPassword'> {
  /** Called once a password was right. */
  signedIn(user: string): Promise<Person | undefined>
  /** How long a password that was right is so while the directory cannot be asked. Milliseconds. */
  keepFor: number
  /** Passwords that it is asked about at a time. */
  connections: number
}

/** What came of a password. */
interface Outcome {
  /** Who it proved; `undefined`: nobody. */
  id: string | undefined
  /** The line of the file it was compared with, or `directory`. */
  by: string
  at: number
  until: number
  /** How often in a row it was not right. */
  wrong: number
  /** The directory could not say so again. */
  outage: boolean
}

/** Who a password proved, or why it proved nobody. */
type Verdict = { id: string } | 'failed' | 'blocked_by_circuit'

/** Comparisons at a time, of the four threads that files are read with too. */
const AT_ONCE = 2
/** Passwords that were compared and are remembered, at most. */
const REMEMBERED = 10_000
/** A password that was wrong is remembered so many times as long at most. */
const LESS = 64
/** How long the directory is not asked again about a password that it could not judge. Milliseconds. */
const AGAIN = 1_000

/** What is remembered of names is bounded: nobody has a longer one. Characters. */
const LONGEST_NAME = 256

/** One sentence for every password that is not right, whoever it was for, and whether it was looked at or not. */
const WRONG = {
  refusal: 'the user name and password of the request are not right, or were wrong too often',
  next: 'check both; after several different wrong passwords nobody gets in under that name, or from there, for some minutes',
}

/** Passwords that may wait for their turn, and for how long: milliseconds. */
const WAITING = 64
const PATIENCE = 30_000

function passwordLane(atOnce: number): Lane {
  return createLane({
    atOnce,
    waiting: WAITING,
    deadline: PATIENCE,
    overloaded: () =>
      new ModsteadError('overloaded', 'too many passwords are waiting to be compared', {
        next: 'ask again in a moment; a token is compared at once',
      }),
  })
}

/**
 * Users with a password: those of our own, then those of a directory, with one lockout for both. A password of our own is
 * compared in a thread of the system's pool, two at a time. Outcomes are remembered by a keyed hash, together with what
 * they were compared with. A wrong password costs the same wherever its user is known, or nowhere: what was not asked is
 * asked in vain.
 */
export function createPasswords(options: PasswordsOptions): Credential {
  const { local, directory, people, guesses, countAddresses, remember, onLockout, now } = options
  const key = randomBytes(32)
  const outcomes = new LRUCache<string, Outcome>({ max: REMEMBERED })
  const running = new Map<string, Promise<Verdict>>()
  const comparing = passwordLane(AT_ONCE)
  const asking = passwordLane(directory?.connections ?? 1)

  /** Who the password proves; counted for all names that are meant, and for the address. */
  async function judge(
    user: string,
    secret: string,
    address: string,
    users: HtpasswdUsers,
  ): Promise<Verdict> {
    const digest = createHmac('sha256', key).update(`${user}\0${secret}`).digest('base64')
    const known = users.find(user)
    const by = known === undefined && directory !== undefined ? 'directory' : `file ${known?.text ?? ''}`
    const before = outcomes.get(digest)
    // A wrong one is remembered too: a runner with a stale password sends it with every request.
    if (before?.by === by && now() < before.until) return verdictOf(before.id)
    // What comes at once with the same password is compared once; and counted once.
    const same = `${address} ${digest} ${by}`
    let named = known === undefined ? undefined : user
    let work = running.get(same)
    if (work === undefined) {
      work = compare().finally(() => running.delete(same))
      running.set(same, work)
    }
    // While the directory is down nobody who is known waits for it.
    if (before?.outage === true && goesOn(before)) {
      work.catch(() => undefined)
      return verdictOf(before.id)
    }
    return work

    /** Whether the directory may be down, and the password is right all the same. */
    function goesOn({ id, at, by: judge }: Outcome): boolean {
      return id !== undefined && judge === 'directory' && by === judge && now() - at < directory!.keepFor
    }

    async function compare(): Promise<Verdict> {
      const from = countAddresses ? [`address ${networkOf(address)}`] : []
      try {
        return await (by === 'directory' ? ask(from) : compareHere(from))
      } catch (error) {
        if (before === undefined || !goesOn(before) || !isOutage(error)) throw error
        outcomes.set(digest, { ...before, until: now() + AGAIN, outage: true })
        return verdictOf(before.id)
      }
    }

    async function compareHere(from: readonly string[]): Promise<Verdict> {
      const hash = known?.hash ?? users.dearest
      if (hash === undefined) return 'failed'
      // Asked when it is its turn: those before it in the queue may have closed the user or the address.
      const right = await comparing(() =>
        tryIt(
          [nameKey(user), ...from],
          digest,
          async () => (await hash.matches(secret)) && known !== undefined,
          noteClosed,
        ),
      )
      if (right === undefined) return 'blocked_by_circuit'
      note(right ? user : undefined)
      if (!right && directory !== undefined) await askInVain(directory)
      return verdictOf(right ? user : undefined)
    }

    /** It is slow, and may fail: what was found out about the password holds. */
    async function askInVain({ find, isPassword }: PasswordDirectory): Promise<void> {
      const work = async (): Promise<void> => {
        await find(user)
        await isPassword(undefined, secret)
      }
      await asking(work).catch((error: unknown) => {
        if (!isOutage(error)) throw error
      })
    }

    async function ask(from: readonly string[]): Promise<Verdict> {
      const { find, isPassword, signedIn } = directory!
      let id: string | undefined
      const right = await asking(() =>
        tryIt(
          [nameKey(user), ...from],
          digest,
          async (mayTry) => {
            const account = await find(user)
            // A name of the file is that of the file, however it is written here.
            const there = account !== undefined && users.find(account.id) === undefined ? account : undefined
            // By another spelling, or an address of mail: guesses at one user count together.
            if (there !== undefined && !mayTry(nameKey(there.id))) return undefined
            named = there?.id
            const fits = await isPassword(there?.dn, secret)
            if (!fits || there === undefined || (await signedIn(there.id)) === undefined) return false
            id = there.id
            return true
          },
          noteClosed,
        ),
      )
      if (right === undefined) return 'blocked_by_circuit'
      note(id)
      if (!right) await comparing(async () => users.dearest?.matches(secret))
      return verdictOf(id)
    }

    function noteClosed(keys: readonly string[]): void {
      const kinds = new Set(keys.map((key) => (key.startsWith('user ') ? 'user' : 'address')))
      for (const closed of kinds)
        onLockout?.({ closed, address, ...(named !== undefined && { user: named }) })
    }

    function note(id: string | undefined): void {
      const at = now()
      const wrong = id !== undefined ? 0 : before?.by === by ? before.wrong + 1 : 1
      // A runner with a stale password must not make the directory lock its user: it is asked less and less.
      const times = by === 'directory' && wrong > 1 ? Math.min(2 ** (wrong - 1), LESS) : 1
      outcomes.set(digest, { id, by, at, until: at + remember * times, wrong, outage: false })
    }
  }

  /**
   * Does `work`, which says whether the password was right, and counts what it said for all of `keys`. `undefined` where
   * guessing has closed one of them, or one that the work asks for besides; `onClosed` is told those that this has closed.
   */
  async function tryIt(
    keys: readonly string[],
    digest: string,
    work: (mayTry: (key: string) => boolean) => Promise<boolean | undefined>,
    onClosed: (keys: readonly string[]) => void,
  ): Promise<boolean | undefined> {
    if (!guesses.mayTry(keys)) return undefined
    let all = keys
    let told = false
    try {
      const right = await work((key) => {
        if (all.includes(key)) return true
        if (!guesses.mayTry([key])) return false
        all = [key, ...all]
        return true
      })
      if (right === undefined) return undefined
      if (right) guesses.right(all)
      else onClosed(guesses.wrong(all, digest))
      told = true
      return right
    } finally {
      if (!told) guesses.dropped(all)
    }
  }

  return async ({ user, secret }, { address }) => {
    if (user === undefined) return 'not mine'
    if (user.length > LONGEST_NAME) return WRONG
    const users = await local()
    const verdict = await judge(user, secret, address, users)
    if (typeof verdict === 'string') {
      // What stands where a name belongs may be a password, unless it is a name.
      const known = users.find(user) !== undefined
      return { ...WRONG, proof: { result: verdict, ...(known && { principal: { id: user, kind: 'user' } }) } }
    }
    const { id } = verdict
    const principal = await joinPerson({ id, kind: 'user' }, people)
    if (principal === undefined) return WRONG
    return { principal, fresh: Math.min(LOOKED_AT, remember) }
  }
}

function verdictOf(id: string | undefined): Verdict {
  return id === undefined ? 'failed' : { id }
}

/** Directories compare names without case, and with all kinds of spaces alike. */
function nameKey(user: string): string {
  return `user ${user.normalize('NFKC').toLowerCase().replace(/\s+/gu, ' ').trim()}`
}

/** A directory that hangs makes those wait who come after. */
function isOutage(error: unknown): boolean {
  return error instanceof ModsteadError && ['directory_unavailable', 'overloaded'].includes(error.code)
}
