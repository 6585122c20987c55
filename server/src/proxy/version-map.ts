import type { ModulePath } from '@modstead/gomod/path'
import { compilePatterns, type PatternSet } from '@modstead/gomod/pattern'
import { isCanonicalFor, type Version } from '@modstead/gomod/version'
import type { VersionMapEntry } from '../config/config.ts'
import { ModsteadError } from '../errors.ts'
import type { Observer } from '../observe/observer.ts'
import type { Answer } from './answer.ts'
import { mappedList, type NewestMod } from './mapped-list.ts'
import type { Change, ModuleProxy } from './module-proxy.ts'
import type { Promotion, PromotionRecords, PromotionRow } from './promotions.ts'
import type { ModuleRequest, RequestContext } from './request.ts'
import type { Realm } from './store.ts'

export interface VersionMapOptions {
  /** Those that begin later before those that begin earlier. */
  entries: readonly VersionMapEntry[]
  /** Whether the query `stable` is answered. */
  stableQuery: boolean
  /** `''` for the site that is nobody's in particular. */
  tenant: string
  realm: Realm
  promotions: PromotionRecords
  observer: Observer
  /** Milliseconds since the epoch. */
  now?: () => number
}

/** A proxy whose modules can be promoted. */
export interface MappedProxy extends ModuleProxy {
  /**
   * Makes a version the stable one of its module. Throws as `serve` does for its `.info`: what is not there is not
   * promoted.
   */
  promote(
    promotion: Pick<Promotion, 'module' | 'version' | 'who' | 'note'>,
    signal: AbortSignal,
  ): Promise<PromotionRow>
  /** What was promoted, newest first: at most `limit`, of those before the one with the id `before`. */
  promotions(options: { limit: number; before?: string }): Promise<PromotionRow[]>
}

/** What holds for a module now, and until when at most (milliseconds since the epoch, or Infinity). */
interface Holding {
  entry: VersionMapEntry | undefined
  until: number
  /** Some entry for the module refuses zips, now or later. */
  strict: boolean
}

/** For how long what depends on promotions is believed: a command on the same machine can make one. Milliseconds. */
export const PROMOTION_FRESH = 1_000
/** How long HTTP caches may hold what the map decides. Milliseconds. */
const CACHED = 60_000

/**
 * Lays a map of versions over a proxy. `go` finds out what `latest` and `upgrade` are from the list, so that the list has
 * the version that holds and no other, and `@latest` is answered by it; other versions can still be asked for by name.
 * Where the entry says `enforce`, their zips are refused: `.info` and `.mod` stay readable, because version selection
 * reads the go.mod files of versions that lose.
 */
export function withVersionMap(inner: ModuleProxy, options: VersionMapOptions): MappedProxy {
  const { stableQuery, tenant, realm, promotions, observer, now = Date.now } = options
  const entries = options.entries.map((entry) => ({ entry, patterns: compilePatterns(entry.modules) }))
  const listeners = new Set<(change: Change) => void>()

  async function stableOf(module: ModulePath): Promise<Version | undefined> {
    return (await promotions.promoted(tenant, module))?.version
  }

  async function versionOf({ version }: VersionMapEntry, module: ModulePath): Promise<Version | undefined> {
    return version === 'STABLE' ? stableOf(module) : (version as Version)
  }

  async function listOf(
    { module }: { module: ModulePath },
    version: Version | undefined,
    context: RequestContext,
  ): Promise<Answer> {
    const answer = await inner.serve({ kind: 'list', module }, context)
    const newestMod: NewestMod = async (newest) => {
      const { body } = await inner.serve({ kind: 'mod', module, version: newest }, context)
      return body.kind === 'bytes' ? body.bytes : Buffer.alloc(0)
    }
    const body = await mappedList(bytesOf(answer), version, newestMod, (error) =>
      observer.log.warn({ err: error, module }, 'whether versions are retracted could not be found out'),
    )
    return { ...withoutHash(answer), body: { kind: 'bytes', bytes: body } }
  }

  /** The `.info` of a version as the answer to a question whose answer may change. */
  async function infoOf(module: ModulePath, version: Version, context: RequestContext): Promise<Answer> {
    const answer = await inner.serve({ kind: 'info', module, version }, context)
    return { ...withoutHash(answer), life: { until: Infinity, fresh: CACHED / 1000, stale: 0 } }
  }

  async function serveStable(module: ModulePath, context: RequestContext): Promise<Answer> {
    const version = await stableOf(module)
    if (version === undefined) throw notPromoted(module)
    return endingAt(await infoOf(module, version, context), now() + PROMOTION_FRESH, now())
  }

  async function serve(request: ModuleRequest, context: RequestContext): Promise<Answer> {
    const { module } = request
    if (stableQuery && request.kind === 'query' && request.query === 'stable')
      return serveStable(module, context)
    if (request.kind === 'info' || request.kind === 'mod' || request.kind === 'query')
      return inner.serve(request, context)
    const { entry, until, strict } = holding(entries, module, now())
    const end = entry?.version === 'STABLE' ? Math.min(until, now() + PROMOTION_FRESH) : until
    if (request.kind === 'zip') {
      if (!strict) return inner.serve(request, context)
      if (entry?.enforce === true) refuseOthers(request, entry, await versionOf(entry, module))
      return endingAt(await inner.serve(request, context), end, now())
    }
    if (entry === undefined || entry.version === 'LATEST')
      return endingAt(await inner.serve(request, context), end, now())
    const version = await versionOf(entry, module)
    if (request.kind === 'list') return endingAt(await listOf(request, version, context), end, now())
    if (version === undefined) throw notPromoted(module)
    return endingAt(await infoOf(module, version, context), end, now())
  }

  return {
    ...inner,
    serve,
    onChange(listener) {
      const end = inner.onChange(listener)
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
        end()
      }
    },
    promotions: (page) => promotions.promotions({ ...page, tenant }),
    async promote({ module, version, who, note }, signal) {
      await inner.serve({ kind: 'info', module, version }, { signal, storedOnly: false, client: {} })
      const row = await promotions.promote({ tenant, module, version, who, note })
      for (const listener of listeners) listener({ realm, module, everyVersion: true })
      observer.log.info({ ...row, promotion: row.id }, 'a version was promoted')
      return row
    },
  }
}

/** The entry that began last, and when the next one begins. */
function holding(
  entries: readonly { entry: VersionMapEntry; patterns: PatternSet }[],
  module: ModulePath,
  now: number,
): Holding {
  let until = Infinity
  let strict = false
  let found: VersionMapEntry | undefined
  for (const { entry, patterns } of entries) {
    if (!patterns.matches(module) || !isFor(entry, module)) continue
    strict ||= entry.enforce
    if (entry.from > now) until = entry.from
    else found ??= entry
  }
  return { entry: found, until, strict }
}

/** A version of another major version than that of the path holds nothing. */
function isFor({ version }: VersionMapEntry, module: ModulePath): boolean {
  return version === 'LATEST' || version === 'STABLE' || isCanonicalFor(module, version)
}

/** The same answer, but only until `end`. */
function endingAt(answer: Answer, end: number, now: number): Answer {
  const { life } = answer
  if (end === Infinity) return answer
  const left = Math.max(0, end - now)
  if (life === 'immutable')
    return { ...answer, life: { until: end, fresh: Math.floor(Math.min(left, CACHED) / 1000), stale: 0 } }
  return {
    ...answer,
    life: {
      until: Math.min(life.until, end),
      fresh: Math.min(life.fresh, Math.floor(left / 1000)),
      stale: left > life.stale * 1000 ? life.stale : 0,
    },
  }
}

function refuseOthers(
  { module, version }: Extract<ModuleRequest, { kind: 'zip' | 'mod' | 'info' }>,
  entry: VersionMapEntry,
  held: Version | undefined,
): void {
  if (version === held) return
  const what = entry.version === 'STABLE' ? 'the version promoted last' : 'one version'
  throw new ModsteadError(
    'version_not_allowed',
    `${module}@${version} is not what is used here: ${module} is held at ${what}${held === undefined ? ', and none was promoted yet' : `, ${held}`}`,
    held === undefined
      ? { next: 'ask who publishes the module to promote a version of it' }
      : { next: `go get ${module}@${held}, or ask who runs this server to change its map of versions` },
  )
}

/** No absence: `go` would look for the module elsewhere. */
function notPromoted(module: ModulePath): ModsteadError {
  return new ModsteadError(
    'version_not_allowed',
    `${module} is held at the version promoted last, and none was promoted yet`,
    { next: 'ask who publishes the module to promote a version of it, or ask for a version by name' },
  )
}

function bytesOf({ body }: Answer): Buffer {
  if (body.kind !== 'bytes') throw new TypeError('a list is bytes')
  return body.bytes
}

/** The hash and the time are those of other bytes. */
function withoutHash({ sha256: _hash, modified: _when, ...answer }: Answer): Answer {
  return answer
}
