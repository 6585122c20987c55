import { compare } from '@modstead/gomod/semver'
import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import { LRUCache } from 'lru-cache'
import { atMost } from './at-most.ts'

/** What one client (a connection and its principal) asked for lately, as far as it tells what comes next. */
export interface ClientMemory {
  mod(module: ModulePath, version: Version): void
  /**
   * True where the client has begun to walk its build list, or turns out to walk what another connection asked the
   * `.mod` files for: the build list is worth another look.
   */
  info(module: ModulePath, version: Version): boolean
  zip(module: ModulePath): void
  /** How many go.mod files it asked for. */
  mods(): number
  /**
   * The versions it will build with, very nearly: those whose `.info` it asked for where it walks them (as
   * `go mod download` does, on one connection of several), otherwise the highest version of each module among its
   * `.mod` requests. Modules whose zip it asked for already are left out. Empty when nothing has come to it since it was read for this purpose.
   */
  buildList(purpose: 'info' | 'zip'): [ModulePath, Version][]
}

/** After this long without a request a client starts anew. Milliseconds. */
const RECENT = 60_000
/** Connections that one client's requests are thought to be spread over, at most, beside the one that asks. */
const MOST_OTHERS = 16
/** Modules remembered for one client. */
const MOST = 5_000

/** Keeps a memory for each client for as long as the client object lives and keeps asking. */
export function createClientMemory(now: () => number): { of(client: object): ClientMemory } {
  const clients = new WeakMap<object, { memory: ClientMemory; last: number }>()
  const anyone: Anyone = {
    highest: new LRUCache({ ...atMost(10_000), ttl: RECENT, perf: { now } }),
    walked: new LRUCache({ ...atMost(10_000), ttl: RECENT, perf: { now } }),
    askers: new LRUCache({ ...atMost(10_000), ttl: RECENT, perf: { now } }),
  }
  return {
    of(client) {
      const known = clients.get(client)
      const time = now()
      if (known !== undefined && time - known.last < RECENT) {
        known.last = time
        return known.memory
      }
      const memory = createMemory(anyone)
      clients.set(client, { memory, last: time })
      return memory
    },
  }
}

/** What anyone asked for lately: a client's requests may be spread over connections that do not know each other. */
interface Anyone {
  /** The highest version of each module among the `.mod` requests. */
  highest: LRUCache<ModulePath, Version>
  /** The version of each module whose exact `.info` was asked for last. */
  walked: LRUCache<ModulePath, Version>
  /** Who asked for a `.mod` last, by `module@version`. */
  askers: LRUCache<string, Mods>
}

type Mods = Map<ModulePath, Version>

function createMemory({ highest, walked, askers }: Anyone): ClientMemory {
  const mods = new Map<ModulePath, Version>()
  const infos = new Map<ModulePath, Version>()
  const zips = new Set<ModulePath>()
  /** The `.mod` requests of other connections that seem to be the same client's. */
  const others = new Set<Mods>()
  const unread = { info: false, zip: false }
  let modCount = 0
  let walking = false

  function raise(
    map: { get(key: ModulePath): Version | undefined; set(key: ModulePath, value: Version): unknown },
    module: ModulePath,
    version: Version,
  ): void {
    const known = map.get(module)
    if (known === undefined || compare(known, version) < 0) map.set(module, version)
  }

  return {
    mod(module, version) {
      modCount++
      walking = false
      unread.info = unread.zip = true
      if (mods.size < MOST) raise(mods, module, version)
      raise(highest, module, version)
      askers.set(`${module}@${version}`, mods)
    },
    info(module, version) {
      const first = !walking
      walking = true
      unread.zip = true
      if (infos.size < MOST) infos.set(module, version)
      walked.set(module, version)
      const asker = askers.get(`${module}@${version}`)
      const isNew = asker !== undefined && asker !== mods && others.size < MOST_OTHERS && !others.has(asker)
      if (isNew) {
        others.add(asker)
        unread.info = true
      }
      return first || isNew
    },
    zip(module) {
      if (zips.size < MOST) zips.add(module)
    },
    mods: () => modCount,
    buildList(purpose) {
      if (!unread[purpose]) return []
      unread[purpose] = false
      const list = infos.size > 1 && purpose === 'zip' ? [...infos] : selected(purpose)
      return list.filter(([module]) => !zips.has(module))
    },
  }

  /** The highest versions, without those that lost on another connection; for zips, where one walks them, only those. */
  function selected(purpose: 'info' | 'zip'): [ModulePath, Version][] {
    const all = purpose === 'info' ? [mods, ...others].flatMap((map) => [...map]) : [...mods]
    const winners = all.filter(([module, version]) => {
      const other = highest.get(module)
      return other === undefined || compare(other, version) <= 0
    })
    if (purpose === 'info') return winners
    const walkedToo = winners.filter(([module, version]) => walked.get(module) === version)
    return walkedToo.length * 2 > winners.length ? walkedToo : winners
  }
}
