import { createHmac, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { ModsteadError } from '../../errors.ts'
import type { Credential } from '../credential.ts'
import { type HtpasswdUsers, LOOKED_AT } from './htpasswd-file.ts'
import type { Guesses } from './lockout.ts'
import type { PasswordHash } from './password-hash.ts'

export interface HtpasswdOptions {
  users: () => Promise<HtpasswdUsers>
  /** Names of the groups of a user. */
  groups: ReadonlyMap<string, readonly string[]>
  guesses: Guesses
  /** Whether guesses count for the address that they come from, too. */
  countAddresses: boolean
  /** How long a password that was compared is not computed again. Milliseconds. */
  remember: number
  now: () => number
}

/** Comparisons at a time, of the four threads that files are read with too; and how many may wait for them. */
const AT_ONCE = 2
const WAITING = 64
/** Passwords that were compared and are remembered, at most. */
const REMEMBERED = 10_000

/** What came of a comparison, or that there was none. */
type Outcome = 'right' | 'failed' | 'blocked_by_circuit'

/** One sentence for every password that is not right, whoever it was for, and whether it was looked at or not. */
const WRONG = {
  refusal: 'the user name and password of the request are not right, or were wrong too often',
  next: 'check both; after several different wrong passwords nobody gets in under that name, or from there, for some minutes',
}

/**
 * Users with a password. A password is compared in a thread of the system's pool, two at a time, and the outcome
 * is remembered by a keyed hash, together with the line of the file that it was compared with. For a user who is not there
 * something as expensive is computed.
 */
export function createHtpasswd(options: HtpasswdOptions): Credential {
  const { users, groups, guesses, countAddresses, remember, now } = options
  const key = randomBytes(32)
  const judged = new LRUCache<string, { text: string; right: boolean; until: number }>({ max: REMEMBERED })
  const running = new Map<string, Promise<Outcome>>()
  const lane = createLane()

  async function isRight(
    user: string,
    secret: string,
    address: string,
    known: { text: string; hash: PasswordHash } | undefined,
    dearest: PasswordHash | undefined,
  ): Promise<Outcome> {
    const digest = createHmac('sha256', key).update(`${user}\0${secret}`).digest('base64')
    const text = known?.text ?? ''
    const before = judged.get(digest)
    // A wrong one is remembered too: a runner with a stale password sends it with every request.
    if (before?.text === text && now() < before.until) return before.right ? 'right' : 'failed'
    // What comes at once with the same password is computed once; and counted once.
    const same = `${address} ${digest} ${text}`
    let comparing = running.get(same)
    if (comparing === undefined) {
      comparing = compare().finally(() => running.delete(same))
      running.set(same, comparing)
    }
    return comparing

    async function compare(): Promise<Outcome> {
      const hash = known?.hash ?? dearest
      if (hash === undefined) return 'failed'
      const keys = [`user ${user}`, ...(countAddresses ? [`address ${address}`] : [])]
      // Asked when it is its turn: those before it in the queue may have closed the user or the address.
      return lane(async () => {
        if (!guesses.mayTry(keys)) return 'blocked_by_circuit'
        let told = false
        try {
          const fits = (await hash.matches(secret)) && known !== undefined
          if (fits) guesses.right(keys)
          else guesses.wrong(keys, digest)
          judged.set(digest, { text, right: fits, until: now() + remember })
          told = true
          return fits ? 'right' : 'failed'
        } finally {
          if (!told) guesses.dropped(keys)
        }
      })
    }
  }

  return async ({ user, secret }, { address }) => {
    if (user === undefined) return 'not mine'
    const { find, dearest } = await users()
    const known = find(user)
    const outcome = await isRight(user, secret, address, known, dearest)
    // What stands where a name belongs may be a password, unless it is a name.
    if (outcome !== 'right')
      return {
        ...WRONG,
        proof: { result: outcome, ...(known !== undefined && { principal: { id: user, kind: 'user' } }) },
      }
    const principal = {
      id: user,
      kind: 'user',
      groups: groups.get(user) ?? [],
      claims: {},
      rights: [],
    } as const
    return { principal, fresh: Math.min(LOOKED_AT, remember) }
  }
}

/** Runs work a few at a time, in order. Throws `overloaded` when too much waits. */
function createLane(): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let free = AT_ONCE
  return async (work) => {
    if (free > 0) free--
    else {
      if (waiting.length >= WAITING)
        throw new ModsteadError('overloaded', 'too many passwords are waiting to be compared', {
          next: 'ask again in a moment; a token is compared at once',
        })
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) free++
      else next()
    }
  }
}
