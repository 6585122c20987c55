import { equalHash } from '@modstead/gomod/dirhash'
import type { ModulePath } from '@modstead/gomod/path'
import { isPseudoVersion } from '@modstead/gomod/pseudo'
import { GomodError } from '@modstead/gomod/error'
import { formatLookup, formatSumRecord, parseLookup, sumLines } from '@modstead/gomod/sumdb/lookup'
import { formatDataTile } from '@modstead/gomod/tlog/record'
import { DATA_LEVEL, fullWidth, parseTilePath } from '@modstead/gomod/tlog/tile'
import type { Version } from '@modstead/gomod/version'
import { LRUCache } from 'lru-cache'
import { ModsteadError } from '../../errors.ts'
import type { VersionHashes } from '../../proxy/checksums.ts'
import type { Askers } from '../../proxy/askers.ts'
import { asClient, createFlights, waitFor } from '../../proxy/flights.ts'
import type { RecordIncident } from '../../proxy/incidents.ts'
import type { ModuleProxy } from '../../proxy/module-proxy.ts'
import type { Route, Router } from '../../proxy/route.ts'
import type { Asker, ServedDatabase } from '../served.ts'
import type { ColdLimit } from './cold-limit.ts'
import type { ChecksumLog } from './log.ts'
import { readLoggedVersion } from './logged-version.ts'
import type { LookForOverlap } from './overlap.ts'
import { TILE_HEIGHT } from './storage.ts'

export interface OwnDatabaseOptions {
  name: string
  /** The open log. Throws `log_refused` or `store_unavailable` while it cannot be opened. */
  log: () => Promise<ChecksumLog>
  router: Router
  proxy: Pick<ModuleProxy, 'hashes' | 'knownHashes'>
  /** The mirrors by the names that routes have for their checksum databases. */
  mirrors: ReadonlyMap<string, ServedDatabase>
  record: RecordIncident
  lookForOverlap: LookForOverlap
  /** Holds up a client that makes the log grow too fast. */
  limit: ColdLimit
  /** Fires when the server stops. */
  shutdown: AbortSignal
}

export interface OwnDatabase extends ServedDatabase {
  readonly own: true
  /** Gives a version its record, if it has none. */
  enter(module: ModulePath, version: Version): Promise<void>
}

/**
 * The checksum database that a log of ours is. What a version's record says: that of the checksum database of its
 * route, word for word, once our own client has verified it; where the route has none, the hashes of what this server
 * gives, which it fetches or builds for that.
 */
export function createOwnDatabase(options: OwnDatabaseOptions): OwnDatabase {
  const { name, log, router, proxy, mirrors, record, lookForOverlap, limit, shutdown } = options
  const flights = createFlights<number>()
  const refusals = new LRUCache<string, ModsteadError>({ max: 10_000, ttl: REFUSED_FOR })
  let entering = 0

  async function entered(module: ModulePath, version: Version, asker: Asker): Promise<number> {
    const found = await (await log()).find(module, version)
    if (found !== undefined) return found
    const key = `${module}@${version}`
    if (asker.storedOnly === true) throw notStored(key)
    const refused = refusals.get(key)
    if (refused !== undefined) throw refused
    // It goes on when its clients have left: whoever comes next finds the work done.
    const work = async (_: AbortSignal, askers: Askers): Promise<number> => {
      if (entering >= AT_ONCE) throw tooMuchAtOnce()
      entering++
      try {
        if (isPseudoVersion(version)) await limit.take(asker.client, shutdown)
        return await enter(module, version, { ...asker, cold: { begin: askers.turn }, signal: shutdown })
      } catch (error) {
        if (error instanceof ModsteadError && error.code === 'checksum_mismatch') refusals.set(key, error)
        throw error
      } finally {
        entering--
      }
    }
    const { cold, signal } = asker
    const joining = cold && { asker: { begin: cold.begin, gone: signal } }
    return asClient(() => waitFor(flights.join(key, work, joining), signal))
  }

  async function enter(module: ModulePath, version: Version, asker: Asker): Promise<number> {
    const route = router.routeOf(module)
    const text =
      route.checksum === undefined
        ? await ourRecord(module, version, asker)
        : await theirRecord(route, module, version, asker)
    return (await log()).append({ module, version, record: text })
  }

  async function ourRecord(module: ModulePath, version: Version, asker: Asker): Promise<Uint8Array> {
    const { signal, via, cold } = asker
    const context = {
      signal,
      storedOnly: false,
      client: OURSELVES,
      ...(cold && { asker: cold }),
      ...(via !== undefined && { via }),
    }
    const { h1, goModH1 } = await proxy.hashes(module, version, context)
    return formatSumRecord(module, version, h1, goModH1)
  }

  /** No zip is downloaded for it; what is stored already must be what it says. */
  async function theirRecord(
    route: Route,
    module: ModulePath,
    version: Version,
    asker: Asker,
  ): Promise<Uint8Array> {
    const mirror = mirrors.get(route.checksum!.name)
    if (mirror === undefined) throw new TypeError(`${route.checksum!.name} is not mirrored`)
    const { record: text } = parseLookup(await mirror.lookupResponse(module, version, asker))
    const theirs = readTheirs(mirror.name, text, module, version)
    const ours = await proxy.knownHashes(module, version)
    for (const [kind, known, proven] of [
      ['zip', ours.h1, theirs.h1],
      ['mod', ours.goModH1, theirs.goModH1],
    ] as const) {
      if (known === undefined || (proven !== undefined && equalHash(known, proven))) continue
      const id = await record({
        kind,
        realm: route.realm,
        module,
        version,
        source: mirror.name,
        expected: known,
        found: proven ?? 'no hash',
        outcome: 'not entered into the checksum log',
      })
      throw new ModsteadError(
        'checksum_mismatch',
        `${mirror.name} has another hash of the ${kind === 'zip' ? 'zip' : 'go.mod'} of ${module}@${version} than what is stored here`,
        {
          ...(id !== undefined && { incident: id }),
          next: 'nothing was entered into the log; ask the operators of this modstead to look at the incident',
        },
      )
    }
    return text
  }

  return {
    name,
    own: true,
    async enter(module, version) {
      if (!router.routeOf(module).log) return
      await entered(module, version, { signal: shutdown })
    },
    latest: async () => toBuffer((await log()).head().note),
    async lookupResponse(module, version, asker) {
      const route = router.routeOf(module)
      refuseUnlogged(route, module)
      const id = await entered(module, version, asker)
      const open = await log()
      const [logged] = await open.records(id, 1)
      if (logged === undefined) throw new ModsteadError('internal', `record ${id} of ${name} cannot be read`)
      const { h1, goModH1 } = sumLines(logged.record, module, version)
      if (h1 !== undefined && goModH1 !== undefined) lookForOverlap(route, module, version, { h1, goModH1 })
      return toBuffer(formatLookup({ id, record: logged.record, note: open.head().note }))
    },
    async tile(path) {
      const tile = parseTilePath(`tile/${path}`)
      const open = await log()
      if (tile.height !== TILE_HEIGHT) throw noSuchTile(name)
      if (tile.level !== DATA_LEVEL) {
        const data = await open.tile(tile)
        if (data === undefined) throw noSuchTile(name)
        return toBuffer(data)
      }
      const records = await open.records(tile.index * fullWidth(tile.height), tile.width)
      if (records.length < tile.width) throw noSuchTile(name)
      return toBuffer(formatDataTile(records.map(({ record }) => record)))
    },
  }
}

/**
 * What the log has for a version, for the fetch pipeline. While the log cannot be opened, nobody knows what it has
 * promised: then it throws why for a version that nothing else proves, and gives nothing for others.
 */
export function promisedBy(
  log: () => Promise<ChecksumLog>,
  isProvenElsewhere: (module: ModulePath) => boolean,
) {
  return async (module: ModulePath, version: Version): Promise<VersionHashes | undefined> => {
    const open = await log().catch((error: unknown) => {
      if (isProvenElsewhere(module)) return undefined
      throw error
    })
    const id = await open?.find(module, version)
    if (open === undefined || id === undefined) return undefined
    const [logged] = await open.records(id, 1)
    if (logged === undefined) return undefined
    const { h1, goModH1 } = sumLines(logged.record, module, version)
    return h1 === undefined || goModH1 === undefined ? undefined : { h1, goModH1 }
  }
}

/** Versions that are being entered at the same time at most. */
const AT_ONCE = 2_000
/** How long a mismatch is remembered. Milliseconds. */
const REFUSED_FOR = 60_000

/** A record that is not about this version first, or not about it alone, could not be found again. */
function readTheirs(database: string, text: Uint8Array, module: ModulePath, version: Version): VersionHashes {
  try {
    const record = readLoggedVersion(text)
    if (record.module === module && record.version === version) return record
  } catch (error) {
    if (!(error instanceof GomodError)) throw error
  }
  throw new ModsteadError(
    'checksum_invalid',
    `the record that ${database} has of ${module}@${version} is not one that can be entered into a log`,
    { next: 'ask the operators of this modstead; a route with log: false leaves the module out' },
  )
}

function notStored(name: string): ModsteadError {
  return new ModsteadError(
    'not_stored',
    `${name} is not in the checksum log, and the request forbids fetching it`,
    { next: 'ask without the header Disable-Module-Fetch: true' },
  )
}

function tooMuchAtOnce(): ModsteadError {
  return new ModsteadError('overloaded', 'too many versions are being entered into the checksum log', {
    next: 'ask again in a moment',
  })
}

/** In whose name the log fetches: look-ahead does not follow it. */
const OURSELVES = {}

function refuseUnlogged(route: Route, module: ModulePath): void {
  if (route.log) return
  const patterns = route.modules.join(',')
  throw new ModsteadError('private_name', `${module} is configured to be left out of the checksum log`, {
    next:
      patterns === '*'
        ? 'go env -w GOSUMDB=off'
        : `add these patterns to what go env GONOSUMDB prints: go env -w GONOSUMDB=${patterns}`,
  })
}

function noSuchTile(name: string): ModsteadError {
  return new ModsteadError('not_found', `${name} has no such tile: its log has not grown that far`)
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
