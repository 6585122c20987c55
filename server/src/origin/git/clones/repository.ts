import { LRUCache } from 'lru-cache'
import { atMost } from '../../../proxy/at-most.ts'
import { ModsteadError } from '../../../errors.ts'
import type { Logger } from '../../../observe/observer.ts'
import { quotable } from '../../plain-text.ts'
import type { RemoteRefs } from '../wire/advertisement.ts'
import { checkAbsent } from './absence.ts'
import { createClonePair } from './clone-pair.ts'
import { BrokenClone, openClone, type Clone, type CloneBounds } from './clone.ts'
import type { Code, Commit } from '../versions/code.ts'
import { commitTime } from './commit-time.ts'
import { BadPack, FetchRefused } from '../wire/fetch-pack.ts'
import { createFetchQueue } from './fetch-queue.ts'
import { TooMuchOnDisk } from '../programs/disk-bound.ts'
import { diskFailure } from '../programs/disk-full.ts'
import type { Gates } from '../programs/gates.ts'
import { createHistory } from './history.ts'
import { createNeighbours } from './neighbours.ts'
import { ObjectTooLarge } from './object-reader.ts'
import { BadPacket } from '../wire/packets.ts'
import { ProgramFailed } from '../wire/process-wire.ts'
import type { Remote } from '../wire/remote.ts'
import type { RunGit } from '../programs/git-helper.ts'
import { GitStopped } from '../programs/run-git.ts'

export interface RepositoryOptions {
  remote: Remote
  /** Its own folder in the clone cache. */
  folder: string
  bounds: CloneBounds
  run: RunGit
  gates: Gates
  log: Logger
  /** Fires when the server ends: work on the repository belongs to nobody in particular. */
  shutdown: AbortSignal
  now: () => number
  /** Told how many bytes a fetch has brought. */
  grew: (bytes: number) => void
  /** Settles when there is room on disk for a fetch. */
  makeRoom: () => Promise<void>
}

/**
 * What modstead keeps of one remote repository, in two bare clones: `contents`, shallow, with all files of the commits
 * that were asked for, and `history`, with all commits but no files, for questions about what comes before what. A
 * clone of everything would be both, for many times the bytes.
 */
export interface Repository extends Code {
  /** Nothing is known of it: its host never gave its names, be it absent or out of reach. */
  readonly unknown: boolean
  /**
   * The names it has, at most `maxAge` milliseconds old. One request at a time, which all who ask meanwhile share.
   */
  refs(maxAge: number): Promise<RemoteRefs>
  /**
   * Lets `work` read the clone that has the files of a commit. Where it throws `BrokenClone`, the clone is made anew
   * and `work` done once more.
   */
  withContents<T>(hash: string, ref: string | undefined, work: (gitDir: string) => Promise<T>): Promise<T>
  /** Asks for the names anew: an answer that began before the call does not count. */
  renew(): Promise<void>
  /** Settles when nothing runs any more, and ends what is kept running. */
  close(): Promise<void>
}

/** A commit to be fetched, and a name it has where it has one. */
interface WantedCommit {
  hash: string
  ref: string | undefined
}

/** Bytes of a go.mod or LICENSE at most, and of all that are remembered. */
const MAX_FILE = 16 << 20
const REMEMBERED = 4 << 20
const MOST_COMMITS = 10_000

export function createRepository(options: RepositoryOptions): Repository {
  const { remote, folder, bounds, run, gates, log, shutdown, now, grew, makeRoom } = options
  let known: { refs: RemoteRefs; at: number } | undefined
  let asking: Promise<RemoteRefs> | undefined
  let running = 0
  /** Settles when nothing runs. */
  let idle: Promise<void> = Promise.resolve()
  let becomeIdle: () => void = () => undefined
  const files = new LRUCache<string, { blob: Buffer | undefined }>({
    maxSize: REMEMBERED,
    sizeCalculation: ({ blob }, key) => (blob?.length ?? 0) + key.length + 64,
  })
  const commits = new LRUCache<string, Commit>(atMost(MOST_COMMITS))
  /** Commits that were fetched by this process. */
  const here = new Set<string>()
  const neighboursOf = createNeighbours()
  /** The refs that the history clone was fetched for. */
  let historyOf: RemoteRefs | undefined
  /** Looks into the contents, which go one after the other, and may each end in the wish for a commit. */
  const looking = new Set<Promise<unknown>>()
  const fetchCommits = createFetchQueue<WantedCommit>(
    (wanted) =>
      fetching((signal) =>
        fetchContents(
          wanted.filter(({ hash }) => !here.has(hash)),
          signal,
        ),
      ),
    () => Promise.allSettled(looking),
  )
  const fetchHistory = createFetchQueue<RemoteRefs>(async (wanted) => {
    const newest = wanted.at(-1)!
    if (historyOf === newest) return
    await fetching(bringHistory)
    historyOf = newest
  })

  const history = createHistory({ clone: () => clones.get('history'), fetch: fetchHistory, shutdown })

  /** Runs a fetch in its turn. Before that it belongs to no clone, and is not ended with one. */
  function fetching(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    return gates.fetches.pass(remote.host, shutdown, async () => {
      await makeRoom()
      return clones.fetching(work)
    })
  }

  async function growing<T>(clone: Clone, fetch: () => Promise<T>): Promise<T> {
    const before = clone.size
    const outcome = await fetch()
    grew(clone.size - before)
    return outcome
  }

  async function askRefs(): Promise<RemoteRefs> {
    const at = now()
    const refs = await gates.refs.pass(remote.host, shutdown, () => remote.refs(shutdown))
    known = { refs, at }
    return refs
  }

  const clones = createClonePair({
    folder,
    shutdown,
    async open(kind, folder) {
      const { hashLength } = known?.refs ?? (await refs(Infinity))
      return openClone({
        folder,
        url: remote.url,
        hashLength,
        historyOnly: kind === 'history',
        bounds,
        run,
        gates,
      })
    },
    discarded() {
      files.clear()
      here.clear()
      commits.clear()
      historyOf = undefined
    },
  })

  async function refs(maxAge: number): Promise<RemoteRefs> {
    if (known !== undefined && now() - known.at < maxAge) return known.refs
    asking ??= askRefs().finally(() => (asking = undefined))
    return asking
  }

  /** Runs work on the clones; a clone that turns out to be damaged is thrown away, and the work done once more. */
  async function tended<T>(work: () => Promise<T>): Promise<T> {
    if (running++ === 0) ({ promise: idle, resolve: becomeIdle } = Promise.withResolvers<void>())
    try {
      const { generation } = clones
      try {
        return await work()
      } catch (error) {
        // A pack that cannot be taken in may lack what the clone should have had.
        if (!(error instanceof BrokenClone || error instanceof BadPack)) throw error
        log.warn({ err: error, repository: remote.url }, 'a clone is damaged; it is made anew')
        // Whoever else was reading it fails as well, and does not throw away the new one.
        await clones.discard(generation)
        return await work()
      }
    } catch (error) {
      throw explained(error)
    } finally {
      if (--running === 0) becomeIdle()
    }
  }

  async function fetchContents(wanted: readonly WantedCommit[], signal: AbortSignal): Promise<void> {
    if (wanted.length === 0) return
    const clone = await clones.get('contents')
    if (await fetchQuickly(clone, wanted, signal)) return
    const from = await remote.fetchFrom(signal)
    const refspecs = new Set(wanted.map(({ hash, ref }) => `+${ref ?? hash}:refs/seen/${hash}`))
    const { status, said } = await growing(clone, () =>
      clone.fetch(from, [...refspecs], ['--depth=1'], signal),
    )
    if (status === 0) return
    log.debug({ repository: remote.url, said }, 'a shallow fetch failed; everything is fetched')
    // Some hosts give no commit by its hash, and a name may have gone since: all names then, with all that is behind.
    const all = ['+refs/heads/*:refs/all/heads/*', '+refs/tags/*:refs/all/tags/*']
    const outcome = await growing(clone, () => clone.fetch(from, all, [`--depth=${EVERYTHING}`], signal))
    if (outcome.status !== 0) throw fetchFailed(outcome.said)
  }

  /** By our own client; false where the host does not speak that protocol, or gives no commit by its hash. */
  async function fetchQuickly(
    clone: Clone,
    wanted: readonly WantedCommit[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const wants = new Set(wanted.map(({ hash }) => hash))
    const neighbours = new Set<string>()
    for (const { ref } of wanted)
      if (ref !== undefined && known !== undefined)
        for (const hash of neighboursOf(ref, known.refs, (hash) => here.has(hash) || wants.has(hash)))
          neighbours.add(hash)
    const bring = async (hashes: readonly string[]): Promise<void> => {
      await growing(clone, () => clone.fetchCommits(hashes, remote.upload, signal))
      for (const hash of hashes) here.add(hash)
    }
    try {
      await bring([...wants, ...neighbours]).catch((error: unknown) => {
        // A host that cannot be reached, or is late, would be no better for less.
        if (neighbours.size === 0 || signal.aborted || error instanceof ModsteadError) throw error
        // What nobody asked for, such as a version with too large a file, must not stand in the way.
        log.debug({ err: error, repository: remote.url }, 'a fetch with neighbours failed')
        return bring([...wants])
      })
      return true
    } catch (error) {
      const isOther =
        error instanceof BadPacket || error instanceof FetchRefused || error instanceof ProgramFailed
      if (!isOther) throw error
      log.debug({ err: error, repository: remote.url }, 'a quick fetch failed; git itself fetches')
      return false
    }
  }

  async function bringHistory(signal: AbortSignal): Promise<void> {
    const clone = await clones.get('history')
    const from = await remote.fetchFrom(signal)
    const names = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*']
    const outcome = await growing(clone, () =>
      clone.fetch(from, names, ['--prune', '--filter=tree:0'], signal),
    )
    if (outcome.status !== 0) throw fetchFailed(outcome.said)
  }

  function fetchFailed(said: string): Error {
    const failure = diskFailure(said, `keep what it fetched from ${remote.url}`)
    if (failure !== undefined) return failure
    const last = said.split('\n').findLast((line) => line.startsWith('fatal: ')) ?? said
    return new ModsteadError(
      'upstream_failed',
      `${remote.url} could not be fetched: ${quotable(last) || 'git gave no reason'}`,
    )
  }

  function explained(error: unknown): unknown {
    if (error instanceof BrokenClone)
      return new ModsteadError('store_unavailable', `the clone of ${remote.url} cannot be used`, {
        cause: error,
        next: 'who runs this modstead should look at the disk of its data folder',
      })
    if (error instanceof TooMuchOnDisk)
      return new ModsteadError(
        'upstream_invalid',
        `${remote.url} is larger than the ${bounds.size} bytes a repository may have here`,
        { next: 'who runs this modstead can raise limits.repository of the origin' },
      )
    if (error instanceof BadPack)
      return new ModsteadError('upstream_invalid', `${remote.url} gave a bad pack: ${error.message}`)
    if (error instanceof ObjectTooLarge || (error instanceof GitStopped && error.reason === 'limit'))
      return new ModsteadError('upstream_invalid', `${remote.url} has a file that is larger than it may be`)
    if (error instanceof GitStopped)
      return new ModsteadError('upstream_timeout', `${remote.url} was not fetched in time (${error.reason})`)
    return error
  }

  /** One look into the clone for a commit and some files of it; `undefined` where it does not have that commit. */
  async function look(
    hash: string,
    paths: readonly string[],
  ): Promise<{ commit: Commit; blobs: (Buffer | undefined)[] } | undefined> {
    const known = commits.get(hash)
    const remembered = paths.map((path) => files.get(`${hash}:${path}`))
    const wanted = paths.filter((_, i) => remembered[i] === undefined)
    if (known !== undefined && wanted.length === 0)
      return { commit: known, blobs: remembered.map((file) => file?.blob) }
    const names = [`${hash}^{commit}`, ...wanted.map((path) => `${hash}:${path}`)]
    const { generation } = clones
    const contents = await clones.get('contents')
    const reading = contents.objects(names, MAX_FILE, shutdown)
    looking.add(reading)
    const [object, ...objects] = await reading.finally(() => looking.delete(reading))
    if (object === undefined) return undefined
    const commit = { hash: object.hash, time: commitTime(object.bytes, remote.url) }
    // What was read of a clone that is gone by now says nothing about the one in its place.
    const remember = generation === clones.generation
    if (remember) commits.set(hash, commit)
    const read = new Map<string, Buffer | undefined>()
    const missing = wanted.filter((_, i) => objects[i] === undefined)
    await checkAbsent(missing, { hash, read: (name) => treeOf(contents, name) })
    for (const [i, path] of wanted.entries()) {
      const blob = objects[i]?.type === 'blob' ? objects[i].bytes : undefined
      read.set(path, blob)
      if (remember) files.set(`${hash}:${path}`, { blob })
    }
    const blobs = paths.map((path, i) => (read.has(path) ? read.get(path) : remembered[i]?.blob))
    return { commit, blobs }
  }

  async function treeOf(contents: Clone, name: string): Promise<Buffer | undefined> {
    const [tree] = await contents.objects([name], MAX_FILE, shutdown)
    return tree?.type === 'tree' ? tree.bytes : undefined
  }

  /** As `look`, after fetching the commit where it is not here. */
  async function lookOrFetch(hash: string, ref: string | undefined, paths: readonly string[]) {
    const wasHere = here.has(hash)
    const found = await look(hash, paths)
    if (found !== undefined) return found
    if (wasHere) throw new BrokenClone(`the commit ${hash} is lost`)
    await fetchCommits({ hash, ref })
    const fetched = await look(hash, paths)
    // The host sends nothing that we claim to have: what we claim is not here.
    if (fetched === undefined && here.has(hash)) throw new BrokenClone(`the commit ${hash} is lost`)
    return fetched
  }

  async function close(): Promise<void> {
    await idle
    await clones.close()
  }

  return {
    url: remote.url,
    get unknown() {
      return known === undefined
    },
    refs: (maxAge) => tended(() => refs(maxAge)),
    renew: () =>
      tended(async () => {
        await asking?.catch(() => undefined) // whoever asked hears of it
        await refs(0)
      }),
    // Nearly every question about a commit goes on to its go.mod, which comes along for nothing.
    commit: (hash, ref) => tended(async () => (await lookOrFetch(hash, ref, ['go.mod']))?.commit),
    read: (hash, paths) =>
      tended(async () => {
        const found = await lookOrFetch(hash, undefined, paths)
        if (found !== undefined) return found.blobs
        throw new ModsteadError('upstream_failed', `${remote.url} does not have commit ${hash} any more`)
      }),
    expand: (prefix, refs) => tended(() => history.expand(prefix, refs)),
    tagsBefore: (hash, refs) => tended(() => history.tagsBefore(hash, refs)),
    withContents: (hash, ref, work) =>
      tended(async () => {
        await lookOrFetch(hash, ref, [])
        return work((await clones.get('contents')).folder)
      }),
    close,
  }
}

/** The depth that git takes for no bound. */
const EVERYTHING = 2_147_483_647
