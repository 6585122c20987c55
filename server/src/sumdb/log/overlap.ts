import { equalHash } from '@modstead/gomod/dirhash'
import type { ModulePath } from '@modstead/gomod/path'
import { parseLookup, sumLines } from '@modstead/gomod/sumdb/lookup'
import type { Version } from '@modstead/gomod/version'
import { LRUCache } from 'lru-cache'
import { isAbsence } from '../../errors.ts'
import type { Logger } from '../../observe/observer.ts'
import type { VersionHashes } from '../../proxy/checksums.ts'
import type { RecordIncident } from '../../proxy/incidents.ts'
import type { Route } from '../../proxy/route.ts'
import type { ServedDatabase } from '../served.ts'

/** How often one version is looked for in public. Milliseconds. */
const EVERY = 24 * 60 * 60_000
/** Versions remembered, and looked for at the same time. */
const REMEMBERED = 20_000
const AT_ONCE = 2

export interface OverlapOptions {
  /** The public database that is asked; absent: nothing is. */
  mirror: ServedDatabase | undefined
  record: RecordIncident
  log: Logger
  shutdown: AbortSignal
  /** Milliseconds since the epoch. */
  now?: () => number
}

/** Looks, beside what it is called from, whether a version of ours is public with other contents. */
export type LookForOverlap = (route: Route, module: ModulePath, version: Version, ours: VersionHashes) => void

/**
 * Whether somebody publishes other contents under a name of ours: for what is published here, or comes from a git
 * origin of the configuration, on a route that is not private. Ours stay, and the incident tells of it. Names of other
 * routes are never looked for: `checksum: off` may be all that keeps them secret.
 */
export function createOverlapWatch(options: OverlapOptions): LookForOverlap {
  const { mirror, record, log, shutdown, now = Date.now } = options
  const looked = new LRUCache<string, true>({ max: REMEMBERED, ttl: EVERY, perf: { now } })
  let running = 0

  async function look(
    public_: ServedDatabase,
    { realm }: Route,
    module: ModulePath,
    version: Version,
    ours: VersionHashes,
  ): Promise<void> {
    const answer = await public_.lookupResponse(module, version, { signal: shutdown })
    const theirs = sumLines(parseLookup(answer).record, module, version)
    for (const [kind, expected, found] of [
      ['zip', ours.h1, theirs.h1],
      ['mod', ours.goModH1, theirs.goModH1],
    ] as const)
      if (found !== undefined && !equalHash(found, expected))
        await record({
          kind,
          realm,
          module,
          version,
          source: public_.name,
          expected,
          found,
          outcome: 'what is in our own log goes on being served',
        })
  }

  return (route, module, version, ours) => {
    const key = `${module}@${version}`
    if (mirror === undefined || !isOurs(route) || looked.has(key) || running >= AT_ONCE) return
    looked.set(key, true)
    running++
    look(mirror, route, module, version, ours)
      .catch((error: unknown) => {
        if (isAbsence(error)) return
        looked.delete(key)
        log.warn({ err: error, module, version }, 'a version of ours could not be looked for in public')
      })
      .finally(() => running--)
  }
}

function isOurs({ private: isPrivate, checksum, upload, origins }: Route): boolean {
  if (isPrivate || checksum !== undefined) return false
  return upload !== undefined || origins.some(({ origin }) => origin.name !== 'direct' && origin.modulesIn)
}
