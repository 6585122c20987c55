import { AsyncLocalStorage } from 'node:async_hooks'
import { GomodError } from '@modstead/gomod/error'
import { parseVerifierKey } from '@modstead/gomod/note'
import { createSumdbClient } from '@modstead/gomod/sumdb/client'
import { DATA_LEVEL, fullWidth, parseTilePath, type Tile } from '@modstead/gomod/tlog/tile'
import { ModsteadError } from '../errors.ts'
import type { Logger } from '../observe/observer.ts'
import type { ChecksumDatabase } from '../proxy/checksums.ts'
import type { OnBehalf, OriginOptions } from '../proxy/origin.ts'
import { createAlarms, type RaiseAlarm } from './alarms.ts'
import type { SumdbFiles, SumdbRemote } from './needs.ts'
import type { Asker, ServedDatabase } from './served.ts'
import { createUrgency } from './urgency.ts'

/**
 * A mirror of another checksum database: everything it gives was verified against the database's signed head and is
 * kept for ever. Failures: `not_found`, `checksum_unavailable`, `checksum_invalid`, `bad_path`, `bad_version`.
 */
export interface SumdbMirror extends ServedDatabase {
  readonly own: false
}

/**
 * For whom the database is asked: its client has no place for that. Without the `Modstead-Via` header of the request
 * that is being answered two mirrors that name each other would wait for each other.
 */
const asking = new AsyncLocalStorage<OnBehalf>()

/** Runs `work`, whose reads of a database carry `via` on, and are made in the turn of the client. */
function passingOn<T>({ via, cold }: Asker, work: () => Promise<T>): Promise<T> {
  return asking.run(
    { priority: 'client', ...(cold && { asker: cold }), ...(via !== undefined && { via }) },
    work,
  )
}

export interface SumdbMirrorOptions {
  /** Verifier key of the database: its name is the mirror's. */
  key: string
  remote: SumdbRemote
  files: SumdbFiles
  log: Logger
  /** Told when the database has signed two histories, and when answers of it do not verify. */
  raise: RaiseAlarm
  /** Milliseconds since the epoch. */
  now?: () => number
}

/** For how long a head is given as the latest without asking again. Milliseconds. */
const FRESH = 60_000
/** At most so often is the database asked for a head because a tile beyond the one at hand was wanted. Milliseconds. */
const BEYOND = 1_000
/** `/tile/8/…` is all that `go` knows. */
const TILE_HEIGHT = 8

/** The mirror as the fetch pipeline and the endpoints use it. */
export function createSumdbMirror(options: SumdbMirrorOptions): SumdbMirror & ChecksumDatabase {
  const { key, remote, files, log, raise, now = Date.now } = options
  const { name } = parseVerifierKey(key)
  const alarms = createAlarms(raise)
  const inUrgency = createUrgency()
  const client = createSumdbClient({
    verifierKey: key,
    tileHeight: TILE_HEIGHT,
    ops: {
      readHead: files.readHead,
      writeHead: files.writeHead,
      readCache: (path) => files.readCache(path.slice(1)),
      // What cannot be kept is fetched again next time; the proof at hand is as good without.
      writeCache: (path, bytes, { lasting }) =>
        files.writeCache(path.slice(1), bytes, { lasting }).catch((error: unknown) => {
          log.warn({ err: error, database: name, path }, 'a file of a checksum database could not be kept')
        }),
      async readRemote(path, signal) {
        const { via, asker, ...behalf } = asking.getStore() ?? { priority: 'client' }
        const isLookup = path.startsWith('/lookup/')
        // Heads and tiles are read once for all who need them: background work may have begun what a client waits for.
        const urgency = isLookup ? behalf : { priority: 'client' as const }
        const read = () => remote.read(path, { ...urgency, signal, ...(via !== undefined && { via }) })
        if (!isLookup || asker === undefined) return read()
        const end = await asker.begin(signal)
        return read().finally(end)
      },
      isAway,
      onSecurityError: alarms.fork,
    },
  })
  let refreshed = -Infinity

  async function refresh(signal: AbortSignal): Promise<void> {
    await client.head(signal)
    refreshed = now()
  }

  /** Strangers may ask for any tile: only now and then is the database asked whether it has grown that far. */
  async function growTo(tile: Tile, signal: AbortSignal): Promise<void> {
    const needed = recordsUnder(tile)
    const size = async (): Promise<number> => (await client.latest(signal))?.tree.size ?? 0
    if (needed <= (await size())) return
    if (now() - refreshed >= BEYOND) await refresh(signal)
    if (needed > (await size())) throw noSuchTile(name)
  }

  function lookUp(module: string, version: string, behalf: OnBehalf, signal: AbortSignal) {
    return inUrgency(`${module}@${version}`, behalf, (behalf) =>
      asking.run(behalf, () => client.lookup(module, version, signal)),
    )
  }

  /** What a database said that does not verify is a mismatch; what it was asked wrongly is the asker's mistake. */
  async function refusal(error: unknown): Promise<unknown> {
    if (!(error instanceof GomodError)) return error
    const mistake = mistakeOfAsker(name, error)
    if (mistake !== undefined) return mistake
    const incident = await alarms.incidentOf(error)
    return new ModsteadError(
      'checksum_invalid',
      `an answer of checksum database ${name} does not verify: ${error.message}`,
      {
        ...(incident !== undefined && { incident }),
        next: incident === undefined ? LOOK_AT_LOG : LOOK_AT_INCIDENT,
        cause: error,
      },
    )
  }

  return {
    name,
    own: false,
    async lookup(module: string, version: string, { signal, ...behalf }: OriginOptions) {
      try {
        const { h1, goModH1 } = await lookUp(module, version, behalf, signal)
        if (h1 === undefined || goModH1 === undefined) {
          throw missing(name, module, version, 'its record lacks one of the two hashes')
        }
        return { database: name, h1, goModH1 }
      } catch (error) {
        if (error instanceof ModsteadError && error.code === 'not_found') {
          throw missing(name, module, version, error.message)
        }
        throw await refusal(error)
      }
    },
    lookupResponse: (module, version, asker) =>
      passingOn(asker, async () => {
        const { signal } = asker
        try {
          const behalf = asking.getStore() ?? { priority: 'client' }
          return toBuffer((await lookUp(module, version, behalf, signal)).response)
        } catch (error) {
          throw await refusal(error)
        }
      }),
    latest: (asker) =>
      passingOn(asker, async () => {
        const { signal } = asker
        try {
          const known = await client.latest(signal)
          if (known === undefined) await refresh(signal)
          else if (now() - refreshed > FRESH) await refresh(signal).catch(onlyUnavailable)
          const head = await client.latest(signal)
          if (head === undefined)
            throw new ModsteadError('internal', `the head of ${name} vanished after it was read`)
          return toBuffer(head.note)
        } catch (error) {
          throw await refusal(error)
        }
      }),
    tile: (path, asker) =>
      passingOn(asker, async () => {
        const { signal } = asker
        try {
          const tile = parseTilePath(`tile/${path}`)
          if (tile.height !== TILE_HEIGHT) throw noSuchTile(name)
          await growTo(tile, signal)
          return toBuffer(await client.readTile(tile, signal))
        } catch (error) {
          throw await refusal(error)
        }
      }),
  }
}

/** How many records the log must have for this tile to exist. */
function recordsUnder({ level, index, width, height }: Tile): number {
  const full = fullWidth(height)
  return (index * full + width) * full ** (level === DATA_LEVEL ? 0 : level)
}

/** A head that cannot be renewed now is given as it is; a database that contradicts itself is not passed over. */
function onlyUnavailable(error: unknown): void {
  if (!isAway(error)) throw error
}

function isAway(error: unknown): boolean {
  return error instanceof ModsteadError && error.code === 'checksum_unavailable'
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function noSuchTile(name: string): ModsteadError {
  return new ModsteadError('not_found', `${name} has no such tile: its log has not grown that far`)
}

function missing(name: string, module: string, version: string, reason: string): ModsteadError {
  return new ModsteadError(
    'checksum_missing',
    `checksum database ${name} has no record of ${module}@${version}: ${reason}`,
    {
      next: 'a private module needs a private route, or GONOSUMDB where modstead runs',
    },
  )
}

const LOOK_AT_LOG = 'nothing of it was kept; ask the operators of this modstead to look at its log'
const LOOK_AT_INCIDENT = 'nothing of it was kept; ask the operators of this modstead to look at the incident'

function mistakeOfAsker(name: string, error: GomodError): ModsteadError | undefined {
  switch (error.code) {
    case 'invalid_path':
    case 'invalid_escape':
    case 'invalid_lookup':
      return new ModsteadError('bad_path', error.message, { cause: error })
    case 'invalid_version':
      return new ModsteadError('bad_version', error.message, { cause: error })
    case 'invalid_tile':
      return new ModsteadError('bad_path', `not the path of a tile: ${error.message}`, { cause: error })
    case 'tile_not_found':
      return noSuchTile(name)
    default:
      return undefined
  }
}
