import type { LookAheadConfig } from '../config/config.ts'
import { LRUCache } from 'lru-cache'
import { atMost } from './at-most.ts'
import { createClientMemory, type ClientMemory } from './client-memory.ts'
import { requirementsOf } from './requirements.ts'
import { NotAhead } from './flights.ts'
import type { Parts } from './parts.ts'
import type { Route, Router } from './route.ts'
import type { SmallFiles, SmallKind } from './small-files.ts'
import { createThrift } from './thrift.ts'
import type { ArtifactKind } from './request.ts'
import { keyOf, type Wanted } from './wanted.ts'
import type { Zips } from './zips.ts'

/**
 * Fetches what a client is about to ask for, so that it finds it here. `go` asks for one file of a module after the
 * other over few connections; what it asked tells what comes next:
 *
 * - an exact `.info` is followed by its `.mod`, and many of them in a row by those of the whole build list;
 * - a `.mod` is followed by the `.mod` files of what it requires, where module graph pruning does not stop there;
 * - a `.zip` is followed by its `.mod` and `.info`, and by the zips of the build list that the client's `.info` and
 *   `.mod` requests spelt out. Without a zip request no zip is ever fetched ahead.
 *
 * Everything is bounded (requests at once, unused bytes, depth) and runs below what clients wait for.
 */
export interface LookAhead {
  asked(kind: ArtifactKind, client: object, wanted: Exact): void
  /** False where it is switched off, for all or for this route. */
  isOnFor(route: Route): boolean
  /** A go.mod that was fetched because a client asked for it, with its contents. */
  fetchedMod(client: object, wanted: Exact, goMod: Buffer): void
  stop(): void
}

export type Exact = Omit<Wanted, 'kind'>

interface Task extends Wanted {
  /** How many more levels of requirements a go.mod is followed. */
  depth: number
  /** Milliseconds since the epoch: when it was wanted. */
  at: number
}

type Wish = Omit<Task, 'at'>

/** Requests waiting for their turn, at most: beyond it new guesses are dropped. */
const QUEUE = 5_000
/** What was fetched ahead, or found to be there, is not looked at again for this long. Milliseconds. */
const LATELY = 10 * 60_000
/** A guess that had to wait longer than this is given up. Milliseconds. */
const STALE = 60_000
/** A client that has asked for fewer go.mod files than this is at the root of its graph, where nothing is pruned. */
const AT_THE_ROOT = 4

export function createLookAhead(
  config: LookAheadConfig,
  router: Router,
  files: SmallFiles,
  zips: Zips,
  parts: Parts,
): LookAhead {
  const { observer, shutdown, now } = parts
  const memory = createClientMemory(now)
  const thrift = createThrift(config.bytes, now)
  const fetches = observer.counter('modstead_lookahead_fetches_total', 'Files fetched ahead.', [
    'kind',
    'outcome',
  ])
  observer.gauge('modstead_lookahead_used_bytes', 'Bytes fetched ahead that were asked for.', () =>
    thrift.used(),
  )
  observer.gauge(
    'modstead_lookahead_wasted_bytes',
    'Bytes fetched ahead that nobody asked for in time.',
    () => thrift.wasted(),
  )
  const small: Task[] = []
  const large: Task[] = []
  const lately = new LRUCache<string, true>({ ...atMost(20_000), ttl: LATELY, perf: { now } })
  let running = 0
  let stopped = false

  function isOnFor(route: Route): boolean {
    return config.concurrency > 0 && route.lookAhead && route.origins.some(({ origin }) => origin.speculative)
  }

  function want(wish: Wish): void {
    if (stopped || !isOnFor(wish.route)) return
    const key = keyOf(wish)
    const queue = wish.kind === 'zip' ? large : small
    if (lately.has(key) || queue.length >= QUEUE) return
    lately.set(key, true)
    queue.push({ ...wish, at: now() })
    pump()
  }

  function next(): Task | undefined {
    if (stopped || running >= config.concurrency) return undefined
    const task = takeFrom(small)
    if (task !== undefined) return task
    return running < thrift.concurrency(config.concurrency) ? takeFrom(large) : undefined
  }

  function takeFrom(queue: Task[]): Task | undefined {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
      if (now() - task.at < STALE) return task
      lately.delete(keyOf(task))
    }
    return undefined
  }

  function pump(): void {
    for (let task = next(); task !== undefined; task = next()) {
      running++
      const current = task
      run(current)
        .then(
          (outcome) => fetches.add(1, current.kind, outcome),
          (error: unknown) => {
            fetches.add(1, current.kind, error instanceof NotAhead ? 'left' : 'failed')
            observer.log.debug({ err: error, file: keyOf(current) }, 'look-ahead failed')
          },
        )
        .finally(() => {
          running--
          pump()
        })
        // The handlers above do not throw; this line is what says so to the reader and to the linter.
        .catch((error: unknown) => observer.log.error({ err: error }, 'look-ahead broke'))
    }
  }

  async function run(task: Task): Promise<'fetched' | 'present'> {
    const key = keyOf(task)
    thrift.started(key)
    try {
      const size =
        task.kind === 'zip'
          ? await zips.fetchAhead({ ...task, kind: task.kind }, (bytes) => thrift.sized(key, bytes))
          : await runSmall({ ...task, kind: task.kind })
      if (size === undefined) return 'present'
      thrift.fetched(key, size)
      return 'fetched'
    } finally {
      thrift.ended(key)
    }
  }

  /** Gives the size in bytes of a file that came for no other reason. */
  async function runSmall(task: Task & { kind: SmallKind }): Promise<number | undefined> {
    const isOurs = !files.isUnderWay(task)
    const file = await files.get(task, { signal: shutdown, priority: 'background' })
    if (task.kind === 'mod' && task.depth > 0 && file.fetched) follow(task, file.bytes, false)
    return isOurs && file.fetched ? file.bytes.length : undefined
  }

  /** Queues the go.mod files that a go.mod requires. */
  function follow(from: Wish, goMod: Buffer, atRoot: boolean): void {
    const { pruned, requires } = requirementsOf(goMod)
    if (pruned && !atRoot) return
    for (const { path, version } of requires) {
      const route = router.routeOf(path)
      // A name that a private go.mod mentions is not for public ears before a client asks for it.
      if (from.route.private && !route.private) continue
      want({ kind: 'mod', route, module: path, version, depth: from.depth - 1 })
    }
  }

  /** Queues `kind` for the build list as far as this client's requests spelt it out. */
  function wantBuildList(kind: 'info' | 'zip', seen: ClientMemory): void {
    for (const [module, version] of seen.buildList(kind)) {
      const route = router.routeOf(module)
      want({ kind, route, module, version, depth: 0 })
    }
  }

  return {
    isOnFor,
    asked(kind, client, wanted) {
      if (!isOnFor(wanted.route)) return
      const seen = memory.of(client)
      thrift.asked(keyOf({ ...wanted, kind }))
      if (kind === 'zip') {
        want({ ...wanted, kind: 'mod', depth: 0 })
        want({ ...wanted, kind: 'info', depth: 0 })
        seen.zip(wanted.module)
        wantBuildList('zip', seen)
        // Bytes that were waited for leave room for others.
        pump()
      } else if (kind === 'info') {
        const first = seen.info(wanted.module, wanted.version)
        want({ ...wanted, kind: 'mod', depth: 0 })
        if (first) wantBuildList('info', seen)
      } else {
        seen.mod(wanted.module, wanted.version)
      }
    },
    fetchedMod(client, wanted, goMod) {
      if (!isOnFor(wanted.route)) return
      follow({ ...wanted, kind: 'mod', depth: config.depth }, goMod, memory.of(client).mods() <= AT_THE_ROOT)
    },
    stop() {
      stopped = true
      small.length = 0
      large.length = 0
    },
  }
}
