import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { LRUCache } from 'lru-cache'
import type { Change } from '../proxy/module-proxy.ts'
import type { Realm } from '../proxy/store.ts'
import type { SizedFacts } from './file-headers.ts'
import { createPins } from './pins.ts'
import type { Tally } from './traffic.ts'

export interface VersionUse {
  realm: Realm
  module: string
  version: string
}

/** A whole answer of status 200, ready to be sent. */
export interface ReadyAnswer {
  /** Counts the times it is given. */
  tally: Tally
  facts: SizedFacts
  /** Those of status 200, as `writeHead` takes them. */
  headers: string[]
  /** Bytes, or for short answers a string of one character a byte (latin1), which node sends in one write. */
  body: Buffer | string
  /** Milliseconds since the epoch, or Infinity. */
  until: number
  /** The version it is a file of, whose use is to be noted. */
  version: VersionUse | undefined
  given: ((client: object) => void) | undefined
}

/** What a change ends at once: a module's lists and queries, or one version's files. */
interface Scope {
  readonly key: string
  live: boolean
  uses: number
}

export interface MemoryEntry extends ReadyAnswer {
  readonly scope: Scope | undefined
  /** The round of takings in which it was last given. */
  round: number
  /** Whether memory still keeps it. */
  kept: boolean
  /** What the audit log says of it, once it was asked. */
  audited: Buffer | undefined
}

/** The right to remember an answer that is being made. A change in the meantime takes it away. */
export interface Hold {
  /** The entry that it became, unless it is not to be kept. */
  keep(path: string, answer: ReadyAnswer): MemoryEntry | undefined
  /** To be called once, when nothing more will be kept. */
  release(): void
}

/**
 * Ready answers by normalised path, within a bound of bytes. Three quarters of it are for the answers that are kept. A
 * slow client keeps alive what it is being sent, even after it was dropped to make room: for such bodies, and for files
 * on their way into memory, there is the last quarter.
 */
export interface Memory {
  /** The answer for a path as it stands in the request; `%21` counts as `!`. */
  get(path: string): MemoryEntry | undefined
  /** `module` alone for lists and queries, with `version` for its files, neither for what no change ends. */
  hold(module?: string, version?: string): Hold
  drop(change: Change): void
  /** Notes that an entry was given. */
  use(entry: MemoryEntry): void
  /** The versions given since the last call. */
  takeUses(): VersionUse[]
  /** To be called when the body of an answer was handed to a response: what a slow client keeps alive is counted. */
  pin(answer: ReadyAnswer, res: ServerResponse, socket: Socket): void
  /** Whether `bytes` more may be on their way into memory now. */
  hasRoom(bytes: number): boolean
  /** The largest body that is kept, in bytes. */
  readonly largest: number
  /** Bytes that the entries are accounted at, never above three quarters of the bound. */
  size(): number
  count(): number
}

/**
 * What an entry costs beside its characters and bytes: the objects it is made of, its places in the maps, and the
 * closure it may carry. Measured with many small entries, see memory.test.ts.
 */
const OVERHEAD = 1024
/** Bodies up to this size are kept as strings: with their head they fit into the 16 KiB that node writes at once. */
const STRING_BODY = 12 << 10
/** No more than this part of the bound goes to one entry, and to bodies that are not kept. */
const LARGEST_PART = 8
const KEPT_PART = 3 / 4

/** `bound` is in bytes. */
export function createMemory({ bound, now = Date.now }: { bound: number; now?: () => number }): Memory {
  const largest = Math.max(0, Math.floor(bound / LARGEST_PART) - 2 * OVERHEAD)
  const entries = new LRUCache<string, MemoryEntry>({
    maxSize: Math.max(1, Math.floor(bound * KEPT_PART)),
    sizeCalculation: costOf,
    dispose(entry) {
      entry.kept = false
      release(entry.scope)
    },
  })
  const pins = createPins<ReadyAnswer>()
  const scopes = new Map<string, Scope>()
  let used: VersionUse[] = []
  let round = 1

  function acquire(key: string): Scope {
    let scope = scopes.get(key)
    if (scope === undefined) scopes.set(key, (scope = { key, live: true, uses: 0 }))
    scope.uses++
    return scope
  }

  function release(scope: Scope | undefined): void {
    if (scope !== undefined && --scope.uses === 0 && scope.live) scopes.delete(scope.key)
  }

  function end(key: string): void {
    const scope = scopes.get(key)
    if (scope === undefined) return
    scope.live = false
    scopes.delete(key)
  }

  function find(path: string): MemoryEntry | undefined {
    const entry = entries.get(path, NO_OPTIONS)
    if (entry === undefined) return undefined
    if (entry.scope?.live !== false && (entry.until === Infinity || now() < entry.until)) return entry
    entries.delete(path)
    return undefined
  }

  /** Bodies that only clients keep alive. An insertion may add one more of the largest to what is allowed here. */
  function hasRoom(bytes: number): boolean {
    let sum = bytes
    for (const answer of pins.holders()) if (!('kept' in answer && answer.kept)) sum += answer.body.length
    return sum <= bound / LARGEST_PART
  }

  return {
    largest,
    hasRoom,
    size: () => entries.calculatedSize,
    count: () => entries.size,
    get(path) {
      const entry = find(path)
      // An encoded ! is the only spelling besides the normal one that clients use.
      return entry === undefined && path.includes('%21') ? find(path.replaceAll('%21', '!')) : entry
    },
    hold(module, version) {
      const scope = module === undefined ? undefined : acquire(scopeKey(module, version))
      return {
        keep(path, answer) {
          if (scope?.live === false || answer.until <= now()) return undefined
          // Requests that came at once may share the bytes: what the first of them kept serves all.
          const known = entries.peek(path)
          if (known?.body === answer.body && known.scope === scope && known.until === answer.until)
            return known
          const { size } = answer.facts
          if (size > largest || (size > STRING_BODY && !hasRoom(0))) {
            entries.delete(path)
            return undefined
          }
          if (scope !== undefined) scope.uses++
          const entry = {
            ...answer,
            body: bodyToKeep(answer.body),
            scope,
            round: 0,
            kept: true,
            audited: undefined,
          }
          entries.set(path, entry)
          if (entries.peek(path) === entry) return entry
          // A bound so small that not even this fits.
          release(scope)
          return undefined
        },
        release: () => release(scope),
      }
    },
    pin(answer, res, socket) {
      if (answer.body.length > STRING_BODY) pins.pin(answer, res, socket)
    },
    drop({ module, version, everyVersion }) {
      end(scopeKey(module, version))
      if (everyVersion === undefined) return
      const start = scopeKey(module, '')
      for (const key of scopes.keys()) if (key.startsWith(start)) end(key)
    },
    use(entry) {
      if (entry.round === round || entry.version === undefined) return
      entry.round = round
      used.push(entry.version)
    },
    takeUses() {
      const taken = used
      used = []
      round++
      return taken
    },
  }
}

/** One options object for all look-ups: without it each would make its own. */
const NO_OPTIONS = {}

/** No module path has an `@`, so that the two kinds of keys are apart. */
function scopeKey(module: string, version: string | undefined): string {
  return version === undefined ? module : `${module}@${version}`
}

/** A body that retains no more memory than its length: small Buffers are cut from a slab that they would keep alive. */
function bodyToKeep(body: Buffer | string): Buffer | string {
  if (typeof body === 'string') return body
  if (body.length <= STRING_BODY) return body.toString('latin1')
  if (body.buffer.byteLength - body.length < OVERHEAD) return body
  const copy = Buffer.allocUnsafeSlow(body.length)
  body.copy(copy)
  return copy
}

function costOf(entry: MemoryEntry, path: string): number {
  let cost = OVERHEAD + 2 * path.length + entry.body.length
  for (const part of entry.headers) cost += part.length
  return cost
}
