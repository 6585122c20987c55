import type { ModulePath } from '@modstead/gomod/path'
import { sort } from '@modstead/gomod/semver'
import { isCanonicalFor } from '@modstead/gomod/version'
import { LRUCache } from 'lru-cache'
import { atMost } from './at-most.ts'
import { isAbsence, ModsteadError } from '../errors.ts'
import { askOrigins } from './ask-origins.ts'
import type { Snapshot } from './catalog.ts'
import type { Askers } from './askers.ts'
import { asClient, createFlights, waitAtMost, waitFor, withoutAsker } from './flights.ts'
import { isHalfPublished } from './half-published.ts'
import { commitIn, parseInfo } from './info-file.ts'
import { formatList, mergeLists, parseOwnList } from './merge-lists.ts'
import type { InfoFile, ListedVersion, OnBehalf, OriginOptions } from './origin.ts'
import type { Parts } from './parts.ts'
import type { Route } from './route.ts'
import type { Realm } from './store.ts'

/** A question whose answer may change: the list, the latest version, or what a branch or commit prefix is. */
export interface MutableQuestion {
  route: Route
  module: ModulePath
  /** `list`, `latest`, or a query prefixed with `?` so that a branch named `list` is another question. */
  query: 'list' | 'latest' | `?${string}`
}

export interface MutableAnswer {
  body: Buffer
  modified: Date
  /** Milliseconds since the epoch: until then it may be given again without asking here. */
  until: number
}

export interface MutableFiles {
  get(question: MutableQuestion, options: OriginOptions): Promise<MutableAnswer>
  /** What is at hand, however old; never asks an origin. */
  stored(question: MutableQuestion): Promise<MutableAnswer | undefined>
  /** What the origins say now, however long it takes; an answer that was on its way before does not count. */
  renew(question: MutableQuestion, options: OriginOptions): Promise<MutableAnswer>
  /** From now on nothing that was fetched before is fresh: the module is known to have changed. */
  expire(realm: Realm, module: ModulePath): void
  idle(): Promise<void>
}

/** How long a client waits for news when something too old to be given at once is at hand. Milliseconds. */
const PATIENCE = 3_000
/** How long a stale answer is given without asking again: while news is on its way, or after asking failed. */
const BRIEFLY = 1_000
const AFTER_FAILURE = 5_000

/**
 * Lists, latest and queries: fresh for a while, then given stale while one request renews them, and for as long as
 * the origins fail. `changed` is called when a renewed answer differs from the one before.
 */
export function createMutableFiles(parts: Parts, changed: (question: MutableQuestion) => void): MutableFiles {
  const { catalog, store, absences, cold, incidents, setbacks, traces, observer, shutdown, now } = parts
  const renewals = createFlights<Snapshot>(now)
  /** When modules were expired, in milliseconds since the epoch. */
  const expired = new LRUCache<string, number>({ ...atMost(10_000) })
  const failedLately = new LRUCache<string, true>({ ...atMost(10_000), ttl: AFTER_FAILURE, perf: { now } })

  function expiry(realm: Realm, module: ModulePath): number {
    return expired.get(`${realm} ${module}`) ?? -1
  }

  async function renew(
    question: MutableQuestion,
    before: Snapshot | undefined,
    behalf: OnBehalf,
  ): Promise<Snapshot> {
    const { route, module, query } = question
    const snapshot = await askOrigins(
      { route, module, setbacks, behalf, what: nameOf(question) },
      async (origin): Promise<Snapshot> => {
        const known = before !== undefined && before.origin === origin.name ? before : undefined
        const options = {
          signal: shutdown,
          ...behalf,
          ...route.limits,
          ...(known?.validators && { since: known.validators }),
        }
        // What is asked for after the module expired is newer than that, be it in the same millisecond.
        const fetched = Math.max(now(), expiry(route.realm, module) + 1)
        const answer =
          query === 'list'
            ? await origin.versions(module, options)
            : await origin.resolve(module, query === 'latest' ? 'latest' : query.slice(1), {
                ...options,
                firstSeen: await firstSeen(question),
              })
        if (answer === 'unchanged') {
          if (known === undefined)
            throw new ModsteadError(
              'upstream_invalid',
              `${origin.name} said 304 to a request without validators`,
            )
          return { ...known, fetched }
        }
        if ('bytes' in answer) await proveAnswer(question, answer, origin.name)
        const body =
          'bytes' in answer ? answer.bytes : await bodyOfList(question, before, origin.name, answer.versions)
        const same = before !== undefined && before.body.equals(body)
        return {
          body,
          fetched,
          changed: same ? before.changed : fetched,
          origin: origin.name,
          ...(answer.validators && { validators: answer.validators }),
        }
      },
    )
    await keep(question, snapshot)
    if (before !== undefined && snapshot.changed !== before.changed) changed(question)
    return snapshot
  }

  async function firstSeen({ route, module }: MutableQuestion): Promise<Map<string, string>> {
    const traces = await catalog.traces(route.realm, module)
    return new Map(
      [...traces].flatMap(([version, { commit }]) => (commit === undefined ? [] : [[version, commit]])),
    )
  }

  /** A version stands for the commit it was first seen at: whoever asked for another one would get other code. */
  async function proveAnswer(
    { route, module }: MutableQuestion,
    { version, commit }: InfoFile,
    source: string,
  ): Promise<void> {
    if (commit === undefined) return
    const { realm } = route
    const known = (await catalog.version(realm, module, version))?.commit
    await incidents.proveCommit({ realm, module, version, source, commit, known })
  }

  /** What was answered before the commit of its version was known may be of another one. */
  async function isOutdated({ route, module, query }: MutableQuestion, { body }: Snapshot): Promise<boolean> {
    if (query === 'list') return false
    const info = parseInfo(module, 'latest', body)
    const commit = commitIn(body)
    if ('problem' in info || commit === undefined) return false
    const known = (await catalog.version(route.realm, module, info.version))?.commit
    return known !== undefined && known !== commit
  }

  /** A new list joined with what was listed before and is stored here, which its origin may have lost. */
  async function bodyOfList(
    { route, module }: MutableQuestion,
    before: Snapshot | undefined,
    origin: string,
    listed: readonly ListedVersion[],
  ): Promise<Buffer> {
    const known = before === undefined ? [] : parseOwnList(before.body)
    const merged = await mergeLists(known, listed, (version) => isStored(route, module, version))
    await traces
      .compare({ realm: route.realm, module, origin, listed, gone: merged.gone })
      .catch((error: unknown) =>
        observer.log.warn({ err: error, module }, 'a new list could not be compared with what is known'),
      )
    return formatList(merged.versions)
  }

  async function isStored(route: Route, module: ModulePath, version: string): Promise<boolean> {
    if (!isCanonicalFor(module, version)) return false
    const { realm } = route
    if ((await store.open({ realm, module, version, kind: 'zip' })) === undefined) return false
    if (!(await isHalfPublished(parts, { realm, module, version }))) return true
    return (await catalog.version(realm, module, version))?.h1 !== undefined
  }

  /** Starts or joins the one renewal of this question. Its failure is logged here, whoever else hears of it. */
  function renewal(
    question: MutableQuestion,
    before: Snapshot | undefined,
    behalf: OnBehalf,
  ): Promise<Snapshot> {
    const key = keyOf(question)
    const renewing = async (_: AbortSignal, askers: Askers): Promise<Snapshot> => {
      try {
        const asking = cold.run(question.route, askers, () => renew(question, before, withoutAsker(behalf)))
        return await absences.remember(key, question.route.absent, asking)
      } catch (error) {
        if (before !== undefined) await afterFailure(question, before, error)
        throw error
      }
    }
    return renewals.join(key, renewing, behalf)
  }

  /** A query that no origin knows any more is gone; a list stays, and so does everything while an origin fails. */
  async function afterFailure(question: MutableQuestion, before: Snapshot, error: unknown): Promise<void> {
    const { route, module, query } = question
    if (isAbsence(error) && (query !== 'list' || route.private)) {
      // Of a private module whose repository is gone, what is stored stays; the rest could not be had any more.
      const left = query === 'list' ? await bodyOfList(question, before, before.origin, []) : GONE
      if (left.equals(before.body)) {
        await keep(question, { ...before, fetched: now() })
        return
      }
      await keep(question, { ...before, body: left, fetched: now(), changed: now() })
      changed(question)
      return
    }
    failedLately.set(keyOf(question), true)
    if (isOfLimits(error)) return
    observer.log.warn(
      { err: error, module, query, realm: route.realm },
      'renewal failed; the stale answer is given',
    )
  }

  async function keep({ route, module, query }: MutableQuestion, snapshot: Snapshot): Promise<void> {
    await catalog.saveSnapshot(route.realm, module, query, snapshot).catch((error: unknown) => {
      observer.log.warn(
        { err: error, module, query },
        'an answer could not be kept; it is given all the same',
      )
    })
  }

  /** Before any origin ever answered: the versions whose files are stored, e.g. of a module cache copied in place. */
  async function listStored(question: MutableQuestion): Promise<MutableAnswer | undefined> {
    if (question.query !== 'list') return undefined
    const { route, module } = question
    const versions: string[] = []
    for (const version of await store.versions(route.realm, module))
      if (await isStored(route, module, version)) versions.push(version)
    if (versions.length === 0) return undefined
    const body = formatList(sort(versions).map((version) => ({ version })))
    // Made up for want of better: whoever asks next is to have the chance of a real one.
    return { body, modified: new Date(now()), until: now() }
  }

  async function stored(question: MutableQuestion): Promise<MutableAnswer | undefined> {
    const snapshot = await catalog.snapshot(question.route.realm, question.module, question.query)
    if (!isThere(question.query, snapshot)) return listStored(question)
    return (await isOutdated(question, snapshot)) ? undefined : answerOf(snapshot, now() + BRIEFLY)
  }

  /** Nothing is at hand: the origins are asked, and what they fail to say about a list the store may. */
  async function getFirst(
    question: MutableQuestion,
    { signal, ...behalf }: OriginOptions,
  ): Promise<MutableAnswer> {
    try {
      absences.refuse(keyOf(question))
      const first = await asClient(() => waitFor(renewal(question, undefined, behalf), signal))
      return answerOf(first, first.fetched + question.route.fresh)
    } catch (error) {
      const fallback = isAbort(error) ? undefined : await listStored(question)
      if (fallback === undefined) throw error
      return fallback
    }
  }

  /** Something too old to be given at once is at hand: news is waited for, but not for long. */
  async function getRenewed(
    question: MutableQuestion,
    snapshot: Snapshot,
    news: Promise<Snapshot>,
    signal: AbortSignal,
  ): Promise<MutableAnswer> {
    const patience = Math.max(0, PATIENCE - renewals.age(keyOf(question)))
    try {
      const renewed = await waitFor(waitAtMost(news, patience), signal)
      if (renewed !== undefined) return answerOf(renewed, renewed.fetched + question.route.fresh)
    } catch (error) {
      if (isAbort(error) || (isAbsence(error) && question.query !== 'list')) throw error
    }
    return answerOf(snapshot, now() + BRIEFLY)
  }

  return {
    stored,
    async renew(question, { signal, ...behalf }) {
      const { route, module, query } = question
      await renewals.settled(keyOf(question))
      const snapshot = await catalog.snapshot(route.realm, module, query)
      const before = isThere(query, snapshot) ? snapshot : undefined
      const renewed = await waitFor(renewal(question, before, behalf), signal)
      return answerOf(renewed, renewed.fetched + route.fresh)
    },
    expire: (realm, module) => void expired.set(`${realm} ${module}`, now()),
    async get(question, options) {
      const { route, module, query } = question
      const snapshot = await catalog.snapshot(route.realm, module, query)
      if (!isThere(query, snapshot) || (await isOutdated(question, snapshot)))
        return getFirst(question, options)
      const isExpired = snapshot.fetched <= expiry(route.realm, module)
      const age = isExpired ? Infinity : now() - snapshot.fetched
      if (age < route.fresh) return answerOf(snapshot, snapshot.fetched + route.fresh)
      if (route.origins.length === 0 || cold.closed || failedLately.has(keyOf(question)))
        return answerOf(snapshot, now() + BRIEFLY)
      const { signal, asker, ...behalf } = options
      // Whoever is answered at once has not left: the news is for those who come after.
      const news = renewal(question, snapshot, { ...behalf, ...(asker && { asker: { begin: asker.begin } }) })
      if (age >= route.fresh + route.stale) return getRenewed(question, snapshot, news, signal)
      news.catch(() => undefined) // logged by the renewal
      return answerOf(snapshot, now() + BRIEFLY)
    },
    idle: () => renewals.idle(),
  }
}

/** The body of a query that an origin once knew and no origin knows now. Only a list may be empty. */
const GONE = Buffer.alloc(0)

function isThere(query: MutableQuestion['query'], snapshot: Snapshot | undefined): snapshot is Snapshot {
  return snapshot !== undefined && (query === 'list' || snapshot.body.length > 0)
}

function answerOf(snapshot: Snapshot, until: number): MutableAnswer {
  return { body: snapshot.body, modified: new Date(snapshot.changed), until }
}

function nameOf({ query, module }: MutableQuestion): string {
  return query.startsWith('?') ? `${module}@${query.slice(1)}` : `${query} ${module}`
}

function keyOf(question: MutableQuestion): string {
  return `${question.route.realm} ${question.query} ${question.module}`
}

/** Nobody was asked: what limits refuse is counted where they are. */
function isOfLimits(error: unknown): boolean {
  return isAbort(error) || (error instanceof ModsteadError && LIMITS.includes(error.code))
}

const LIMITS = ['rate_limited', 'overloaded']

function isAbort(error: unknown): boolean {
  return error instanceof ModsteadError && error.code === 'aborted'
}
