import { createHash } from 'node:crypto'
import { ModsteadError } from '../errors.ts'
import type { LiveZip, StoredFile } from './answer.ts'
import { askOrigins } from './ask-origins.ts'
import type { ChecksumRecord } from './checksums.ts'
import { createFlights, waitFor } from './flights.ts'
import { createArrivingZip, type ArrivingZip } from './live-zip.ts'
import type { OnBehalf, Origin, OriginOptions } from './origin.ts'
import type { Parts } from './parts.ts'
import { isRefutation, nameOf, type Wanted } from './small-files.ts'
import type { StoreKey } from './store.ts'
import { hashFile } from './zip-checker.ts'

export type WantedZip = Wanted<'zip'>

/** A zip at rest, with the hex SHA-256 of its bytes, or one that is still arriving. */
export type ZipAnswer = { file: StoredFile; sha256: string | undefined } | { live: LiveZip }

export interface Zips {
  /** What is stored, verified first where this modstead did not store it itself. */
  stored(wanted: WantedZip): Promise<ZipAnswer | undefined>
  /** From the store, otherwise from the origins: one download however many wait. */
  get(wanted: WantedZip, options: OriginOptions): Promise<ZipAnswer>
  /** Fetches a zip nobody waits for yet; gives its size, or `undefined` where it was stored already. */
  fetchAhead(wanted: WantedZip): Promise<number | undefined>
  idle(): Promise<void>
}

/**
 * How long a zip whose first bytes are here is kept from clients in the hope that it is verified by then: small zips
 * then fail with a sentence instead of a cut connection. Milliseconds.
 */
const GRACE = 5

/** The state of one download that clients may watch: replaced by the next origin's while none has seen a byte. */
interface Arrival {
  zip?: ArrivingZip
  /** Settles with a zip that clients may be given, or with `undefined` when its origin failed. */
  shown: PromiseWithResolvers<ArrivingZip | undefined>
  exposed: boolean
  /** Ends the readers of a failed zip. Called when the flight is over, so that who asks again starts a new one. */
  cut?: () => Promise<void>
}

/** Module zips: streamed to those who wait while they arrive, verified and stored before anyone has them whole. */
export function createZips(parts: Parts): Zips {
  const { store, catalog, checker, incidents, absences, setbacks, observer, shutdown } = parts
  const flights = createFlights<StoredZip>()
  const arrivals = new Map<string, Arrival>()

  /** The stored file. One that this modstead did not store itself is checked like a download, and dropped if bad. */
  async function stored(wanted: WantedZip): Promise<StoredZip | undefined> {
    const { route, module, version } = wanted
    const file = await store.open(storeKey(wanted))
    if (file === undefined) return undefined
    const row = await catalog.version(route.realm, module, version)
    if (row?.h1 !== undefined && row.zipSize === file.size) return { file, sha256: row.zipSha256 }
    const local = file.path
    if (local === undefined)
      throw new ModsteadError('internal', 'a store without local files gave a zip that is not in the catalog')
    try {
      const sha256 = await hashFile(local, shutdown)
      await accept(wanted, { path: local, size: file.size, sha256 }, 'store', lookUp(wanted, 'client'))
      return { file, sha256 }
    } catch (error) {
      if (!isRefutation(error)) throw error
      await store.remove(storeKey(wanted))
      return undefined
    }
  }

  /** Every check between complete bytes and their being visible; `commit` runs between the proof and the catalog. */
  async function accept(
    wanted: WantedZip,
    bytes: { path: string; size: number; sha256: string },
    source: string,
    record: Promise<ChecksumRecord> | undefined,
    commit?: (h1: string) => Promise<unknown>,
  ): Promise<void> {
    const { route, module, version } = wanted
    const { h1 } = await checker.check(bytes.path, bytes.size, module, version)
    const row = await catalog.version(route.realm, module, version)
    const claim = {
      realm: route.realm,
      module,
      version,
      kind: 'zip',
      hash: h1,
      known: row?.h1,
      source,
      record,
    } as const
    const provenBy = await incidents.prove(claim)
    await commit?.(h1)
    await catalog.learn(route.realm, module, version, {
      h1,
      zipSize: bytes.size,
      zipSha256: bytes.sha256,
      origin: source,
      ...(provenBy !== undefined && { provenBy }),
    })
  }

  async function download(wanted: WantedZip, arrival: Arrival, behalf: OnBehalf): Promise<StoredZip> {
    const { route } = wanted
    const record = lookUp(wanted, behalf.priority)
    const question = { route, setbacks, what: nameOf(wanted), mayGoOn: () => !arrival.exposed }
    return askOrigins(question, (origin) => downloadFrom(origin, wanted, arrival, behalf, record))
  }

  async function downloadFrom(
    origin: Origin,
    wanted: WantedZip,
    arrival: Arrival,
    behalf: OnBehalf,
    record: Promise<ChecksumRecord> | undefined,
  ): Promise<StoredZip> {
    const ended = new AbortController()
    const source = await origin.zip(wanted.module, wanted.version, {
      ...behalf,
      signal: AbortSignal.any([shutdown, ended.signal]),
    })
    const spool = await store.createSpool().catch((error: unknown) => {
      ended.abort()
      throw error
    })
    const zip = await createArrivingZip(spool, source.size)
    arrival.zip = zip
    const timer = showSoon(arrival, zip)
    try {
      const digest = createHash('sha256')
      for await (const chunk of source.chunks) {
        digest.update(chunk)
        await zip.append(chunk)
        if (zip.visible > 0) timer.start()
      }
      const sha256 = digest.digest('hex')
      const key = storeKey(wanted)
      await accept(wanted, { path: spool.path, size: spool.size, sha256 }, origin.name, record, (h1) =>
        store.commit(key, spool, h1),
      )
      const file = await store.open(key)
      if (file === undefined)
        throw new ModsteadError('store_unavailable', 'a zip vanished from the store as it was committed')
      await zip.finish(file)
      return { file, sha256 }
    } catch (error) {
      const failure = asFailure(error)
      if (arrival.exposed) arrival.cut = () => zip.fail(failure)
      else await zip.fail(failure)
      throw failure
    } finally {
      timer.stop()
      ended.abort()
      await spool.discard()
    }
  }

  /** After the grace, whoever waits may have the zip as it arrives; when its origin fails first, they wait on. */
  function showSoon(arrival: Arrival, zip: ArrivingZip): { start(): void; stop(): void } {
    let timer: NodeJS.Timeout | undefined
    return {
      start() {
        timer ??= setTimeout(() => arrival.shown.resolve(zip), GRACE)
      },
      stop() {
        clearTimeout(timer)
        delete arrival.zip
        const watched = arrival.shown
        arrival.shown = Promise.withResolvers()
        watched.resolve(undefined)
      },
    }
  }

  function lookUp(
    wanted: WantedZip,
    priority: OriginOptions['priority'],
  ): Promise<ChecksumRecord> | undefined {
    const record = wanted.route.checksum?.lookup(wanted.module, wanted.version, {
      signal: shutdown,
      priority,
    })
    // It may fail long before the zip is there: whoever awaits it hears of it.
    record?.catch(() => undefined)
    return record
  }

  /** Starts or joins the one piece of work for this zip. */
  function work(wanted: WantedZip, behalf: OnBehalf): { done: Promise<StoredZip>; arrival: Arrival } {
    const key = keyOf(wanted)
    const arrival = arrivals.get(key) ?? { shown: Promise.withResolvers(), exposed: false }
    arrivals.set(key, arrival)
    const done = flights.join(key, async () => {
      try {
        const found = await stored(wanted)
        if (found !== undefined) return found
        return await absences.remember(key, wanted.route.absent, download(wanted, arrival, behalf))
      } finally {
        arrivals.delete(key)
      }
    })
    done
      .catch(() => arrival.cut?.())
      .catch((error: unknown) => observer.log.error({ err: error }, 'a zip was not closed'))
    return { done, arrival }
  }

  return {
    stored,
    async get(wanted, { signal, ...behalf }) {
      absences.refuse(keyOf(wanted))
      const { done, arrival } = work(wanted, behalf)
      for (;;) {
        const seen = await waitFor(Promise.race([done, arrival.shown.promise]), signal)
        if (seen !== undefined && 'file' in seen) return seen
        if (seen !== undefined && arrival.zip === seen) {
          arrival.exposed = true
          return { live: seen }
        }
      }
    },
    async fetchAhead(wanted) {
      if (flights.has(keyOf(wanted)) || (await store.open(storeKey(wanted))) !== undefined) return undefined
      return (await work(wanted, { priority: 'background' }).done).file.size
    },
    idle: () => flights.idle(),
  }
}

interface StoredZip {
  file: StoredFile
  sha256: string | undefined
}

function storeKey({ route, module, version }: WantedZip): StoreKey {
  return { realm: route.realm, module, version, kind: 'zip' }
}

function keyOf(wanted: WantedZip): string {
  return `${wanted.route.realm} ${nameOf(wanted)}`
}

function asFailure(error: unknown): ModsteadError {
  if (error instanceof ModsteadError) return error
  return new ModsteadError('internal', 'a zip could not be taken in', { cause: error })
}
