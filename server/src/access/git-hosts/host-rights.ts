import { compilePatterns } from '@modstead/gomod/pattern'
import { LRUCache } from 'lru-cache'
import type { GitHost } from '../../config/access/access-config.ts'
import { ModsteadError } from '../../errors.ts'
import { createLane } from '../lane.ts'
import type { Principal } from '../principal.ts'
import type { RepositoryRights } from './repository-rights.ts'
import type { Whereabouts } from './where-repositories.ts'

/**
 * What git hosts say of somebody who wants to read a module, until a time of the clock:
 *
 *     allow           the repository may be read
 *     not_permitted   it may not, or is not there
 *     absent          the same, at a path that could stand above a repository that may be read
 */
export interface HostVerdict {
  outcome: 'allow' | 'not_permitted' | 'absent'
  until: number
}

export interface HostRights {
  /** Whether a git host is asked about a module, and what bindings mean then; `undefined`: none is. */
  of(module: string): 'also' | 'needed' | undefined
  /**
   * What the host says; `undefined` of somebody who has no account there. It is the same for a module that does not
   * exist and for one that may not be read. Rejects with `upstream_…` and `overloaded` where the host cannot be asked.
   */
  ask(principal: Principal, module: string): Promise<HostVerdict | undefined>
}

export interface AskedHost {
  config: Pick<GitHost, 'name' | 'modules' | 'account' | 'bindings' | 'remember' | 'whenDown'>
  rights: RepositoryRights
  whereabouts: (module: string) => Whereabouts
}

export interface HostRightsOptions {
  /** The first that has a module is asked. */
  hosts: readonly AskedHost[]
  /** Told once a minute at most of a host that cannot be asked. */
  onFailure: (host: string, error: unknown) => void
  now: () => number
}

/** Milliseconds: for one question, with the time that it waits for its turn; for which a host that failed is left alone; for which the last answers count. */
const DEADLINE = 5_000
const PAUSE = 2_000
const LAST_KNOWN = 86_400_000
/** For how long a no counts at most: whoever is given a right wants to use it. */
const LONGEST_NO = 60_000
/** For how long a decision counts that was made while the host was down. */
const DOWN = 10_000
const WARNED = 60_000
/** Questions remembered; asked at the same time of one host, and waiting for that: in all and for one account. */
const REMEMBERED = 50_000
const AT_ONCE = { all: 16, each: 4 }
const WAITING = { all: 2_000, each: 200 }
/** Characters of an account: it becomes part of an address. */
const ACCOUNT = /^[A-Za-z0-9_][\w.-]{0,254}$/

/** Asks git hosts who may read their repositories, and remembers what they say. */
export function createHostRights({ hosts, onFailure, now }: HostRightsOptions): HostRights {
  const compiled = hosts.map((host) => ({
    ...host,
    patterns: compilePatterns(host.config.modules),
    question: createQuestions(host, onFailure, now),
  }))
  const hostOf = (module: string) => compiled.find(({ patterns }) => patterns.matches(module))

  return {
    of: (module) => hostOf(module)?.config.bindings,
    async ask(principal, module) {
      const host = hostOf(module)
      const account = host && accountOf(principal, host.config)
      if (host === undefined || account === undefined) return undefined
      const where = host.whereabouts(module)
      if (where === 'above') return { outcome: 'absent', until: Infinity }
      const answers = await Promise.all(where.paths.map((path) => host.question(account, path)))
      const yes = answers.find(({ may }) => may)
      if (yes !== undefined) return { outcome: 'allow', until: yes.until }
      const until = Math.min(...answers.map(({ until }) => until))
      return { outcome: where.certain ? 'not_permitted' : 'absent', until }
    },
  }
}

/** The account that somebody has on a host. What cannot be one is none. */
function accountOf(
  { kind, id, claims }: Principal,
  { account: { claim, map } }: Pick<GitHost, 'account'>,
): string | undefined {
  const mapped = map.get(`${kind}:${id}`)
  if (mapped !== undefined) return mapped
  if (kind !== 'user') return undefined
  const named = claim === undefined ? id : Object.hasOwn(claims, claim) ? claims[claim] : undefined
  return typeof named === 'string' && ACCOUNT.test(named) ? named : undefined
}

interface Known {
  may: boolean
  at: number
}

/** One host's questions: each is asked once by all who want to know, and then remembered. */
function createQuestions(
  { config, rights }: AskedHost,
  onFailure: HostRightsOptions['onFailure'],
  now: () => number,
): (account: string, repository: string) => Promise<{ may: boolean; until: number }> {
  const known = new LRUCache<string, Known>({ max: REMEMBERED })
  const running = new Map<string, Promise<boolean>>()
  const lane = createLane({
    atOnce: AT_ONCE.all,
    atOnceEach: AT_ONCE.each,
    waiting: WAITING.all,
    waitingEach: WAITING.each,
    deadline: DEADLINE,
    overloaded: () =>
      new ModsteadError('overloaded', `too many questions are waiting for the git host ${config.name}`),
  })
  let failed: { at: number; error: unknown } | undefined
  let warned = -Infinity

  function requireUp(): void {
    if (failed !== undefined && now() - failed.at < PAUSE) throw failed.error
  }

  /** Notes what went wrong with a question, and gives what is told of it. */
  function fail(error: unknown): ModsteadError {
    const told = unavailable(config.name, error)
    if (isOfHost(error)) failed = { at: now(), error: told }
    if (now() - warned >= WARNED) {
      warned = now()
      onFailure(config.name, error)
    }
    return told
  }

  async function askHost(key: string, account: string, repository: string): Promise<boolean> {
    requireUp()
    let isAsked = false
    let told: ModsteadError | undefined
    const ask = async (signal: AbortSignal): Promise<boolean> => {
      // The host may have failed while this one waited for its turn.
      requireUp()
      isAsked = true
      try {
        const may = await rights.mayRead(account, repository, signal)
        known.set(key, { may, at: now() })
        failed = undefined
        return may
      } catch (error) {
        // Before the next one has its turn.
        throw (told ??= fail(error))
      }
    }
    try {
      return await withDeadline((signal) => lane(() => ask(signal), { of: account.toLowerCase(), signal }))
    } catch (error) {
      if (isAsked) throw (told ??= fail(error))
      throw isTimeout(error) ? unavailable(config.name, error) : error
    }
  }

  return async (account, repository) => {
    const key = `${account.toLowerCase()} ${repository}`
    const before = known.get(key)
    const lasts = (may: boolean): number => (may ? config.remember : Math.min(config.remember, LONGEST_NO))
    if (before !== undefined && now() < before.at + lasts(before.may))
      return { may: before.may, until: before.at + lasts(before.may) }
    let asking = running.get(key)
    if (asking === undefined) {
      asking = askHost(key, account, repository).finally(() => running.delete(key))
      running.set(key, asking)
    }
    try {
      const may = await asking
      return { may, until: now() + lasts(may) }
    } catch (error) {
      if (config.whenDown !== 'lastKnown' || before === undefined || now() - before.at >= LAST_KNOWN)
        throw error
      return { may: before.may, until: now() + DOWN }
    }
  }
}

/** Runs a question, and gives it up after the deadline even if it does not heed the signal. */
async function withDeadline<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const error = new ModsteadError('upstream_timeout', `no answer within ${DEADLINE} ms`)
    controller.abort(error)
    late.reject(error)
  }, DEADLINE)
  try {
    return await Promise.race([ask(controller.signal), late.promise])
  } finally {
    clearTimeout(timer)
  }
}

const isTimeout = (error: unknown): boolean =>
  error instanceof ModsteadError && error.code === 'upstream_timeout'

/** Not only of the repository or the account that was asked about: then others need not be kept waiting for the same. */
const isOfHost = (error: unknown): boolean =>
  !(error instanceof ModsteadError && error.code === 'upstream_invalid')

/** What those hear who want to read: nothing of the answer of the host, which the log has. */
function unavailable(host: string, cause: unknown): ModsteadError {
  return new ModsteadError(
    isTimeout(cause) ? 'upstream_timeout' : 'upstream_failed',
    `the git host ${host} could not be asked who may read this`,
    { next: 'try again in a moment; who runs this server finds the reason in its log', cause },
  )
}
