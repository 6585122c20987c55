import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { atMost } from './at-most.ts'
import { incidentOf, ModsteadError } from '../errors.ts'
import type { LiveZip, StoredFile, StoredZip } from './answer.ts'
import { createArrival, type Arrival } from './arrivals.ts'
import { askOrigins } from './ask-origins.ts'
import type { Askers } from './askers.ts'
import type { VersionFacts } from './catalog.ts'
import type { ChecksumRecord } from './checksums.ts'
import { dropIfDeleted, refuseDeleted } from './deletions.ts'
import { alsoFor, asClient, createFlights, waitFor, withoutAsker } from './flights.ts'
import { mayBecomeFact } from './half-published.ts'
import { learnFacts } from './learn-facts.ts'
import { createArrivingZip } from './live-zip.ts'
import type { OnBehalf, Origin, OriginOptions } from './origin.ts'
import type { Parts } from './parts.ts'
import { isWrong } from './setbacks.ts'
import type { Spool } from './store.ts'
import {
  exactOptions,
  FROM_STORE,
  keyOf,
  nameOf,
  type Source,
  startLookup,
  storeKeyOf,
  type Wanted,
} from './wanted.ts'
import { hashFile } from './zip-checker.ts'

export type WantedZip = Wanted<'zip'>

/** A zip at rest, or one that is still arriving. */
export type ZipAnswer = StoredZip | { live: LiveZip }

export interface Zips {
  /** What is stored, verified first where this modstead did not store it itself. */
  stored(wanted: WantedZip, behalf: OnBehalf): Promise<StoredZip | undefined>
  /** From the store, otherwise from the origins: one download however many wait. */
  get(wanted: WantedZip, options: OriginOptions): Promise<ZipAnswer>
  /** The same, once it is stored. */
  whole(wanted: WantedZip, options: OriginOptions): Promise<StoredZip>
  /**
   * Fetches a zip nobody waits for yet, and gives its size in bytes; `undefined` where it is stored already or on its
   * way. `sized` is told the size as soon as an origin says it.
   */
  fetchAhead(
    wanted: WantedZip,
    sized?: (bytes: number) => void,
    behalf?: OnBehalf,
  ): Promise<number | undefined>
  idle(): Promise<void>
}

/** On whose behalf a zip is downloaded, and who wants to know its size. */
type Order = OnBehalf & { sized?: (bytes: number) => void }

/** One download: for whom, what must prove it, and what is known of the version. */
interface Download {
  order: Order
  record: Promise<ChecksumRecord> | undefined
  known: VersionFacts | undefined
}

/** Module zips: streamed to those who wait while they arrive, verified and stored before anyone has them whole. */
export function createZips(parts: Parts): Zips {
  const { store, catalog, checker, incidents, absences, cold, dropped, setbacks, observer, shutdown } = parts
  const flights = createFlights<StoredZip>()
  const readings = createFlights<StoredZip | undefined>()
  const arrivals = new Map<string, Arrival>()
  const intact = new LRUCache<string, true>({ ...atMost(20_000) })

  /** One that this modstead did not store itself is checked like a download, and dropped when it is refuted. */
  async function readStored(wanted: WantedZip, behalf: OnBehalf): Promise<StoredZip | undefined> {
    const { route, module, version } = wanted
    const row = await catalog.version(route.realm, module, version)
    refuseDeleted(wanted, row)
    const file = await store.open(storeKeyOf(wanted))
    if (file === undefined) return undefined
    if (row?.h1 !== undefined && row.zipSize === file.size) {
      if (await isIntact(wanted, file, row.zipSha256)) return { file, sha256: row.zipSha256 }
      await store.remove(storeKeyOf(wanted))
      return undefined
    }
    if (!(await mayBecomeFact(parts, wanted))) return undefined
    if (file.path === undefined) {
      throw new ModsteadError('internal', 'a store without local files gave a zip that is not in the catalog')
    }
    // The look-up first: hashing a large file is for nothing while the database cannot be asked.
    const record = startLookup(wanted, { ...behalf, signal: shutdown })
    await record
    try {
      const h1 = await checker.check({
        path: file.path,
        size: file.size,
        module,
        version,
        source: FROM_STORE.name,
        urgency: behalf,
      })
      const provenBy = await prove(wanted, h1, FROM_STORE, record)
      const sha256 = await hashFile(file.path, shutdown)
      await learnFacts(parts, wanted, FROM_STORE, {
        h1,
        zipSize: file.size,
        zipSha256: sha256,
        ...(provenBy !== undefined && { provenBy }),
      })
      return { file, sha256 }
    } catch (error) {
      if (!isWrong(error)) throw error
      await store.remove(storeKeyOf(wanted))
      dropped.note(keyOf(wanted), incidentOf(error))
      return undefined
    }
  }

  /** Once for each zip and process the stored bytes are compared with those that were verified: disks rot. */
  async function isIntact(
    wanted: WantedZip,
    file: StoredFile,
    expected: string | undefined,
  ): Promise<boolean> {
    const key = keyOf(wanted)
    if (expected === undefined || file.path === undefined || intact.has(key)) return true
    const found = await hashFile(file.path, shutdown)
    if (found === expected) {
      intact.set(key, true)
      return true
    }
    const { route, module, version } = wanted
    const { incident } = await incidents.report({
      kind: 'store',
      realm: route.realm,
      module,
      version,
      source: FROM_STORE.name,
      expected: `sha256:${expected}`,
      found: `sha256:${found}`,
      outcome: 'dropped; the next origin is asked for it',
    })
    dropped.note(key, incident)
    return false
  }

  function stored(wanted: WantedZip, behalf: OnBehalf): Promise<StoredZip | undefined> {
    const read = (promoted: AbortSignal) => readStored(wanted, alsoFor(behalf, promoted))
    return readings.join(keyOf(wanted), read, behalf)
  }

  async function prove(
    wanted: WantedZip,
    h1: string,
    source: Source,
    record: Promise<ChecksumRecord> | undefined,
  ): Promise<string | undefined> {
    const { route, module, version } = wanted
    const row = await catalog.version(route.realm, module, version)
    return incidents.prove({
      realm: route.realm,
      module,
      version,
      kind: 'zip',
      hash: h1,
      known: row?.h1,
      source,
      record,
    })
  }

  async function download(wanted: WantedZip, arrival: Arrival, order: Order): Promise<StoredZip> {
    const { route } = wanted
    const { module, version } = wanted
    const { sized: _, ...behalf } = order
    await parts.room?.(route.realm, 0)
    const record = startLookup(wanted, { ...behalf, signal: shutdown })
    const known = await catalog.version(route.realm, module, version)
    const question = {
      route,
      module,
      setbacks,
      behalf,
      what: nameOf(wanted),
      mayGoOn: () => !arrival.exposed,
    }
    return askOrigins(question, (origin) => downloadFrom(origin, wanted, arrival, { order, record, known }))
  }

  async function downloadFrom(
    origin: Origin,
    wanted: WantedZip,
    arrival: Arrival,
    { order, record, known }: Download,
  ): Promise<StoredZip> {
    const { sized, ...behalf } = order
    const { route, module, version } = wanted
    const ended = new AbortController()
    const signal = AbortSignal.any([shutdown, ended.signal])
    let spool: Spool | undefined
    try {
      const source = await origin.zip(module, version, exactOptions({ route, behalf, signal, known }))
      // The origin has it; but what cannot be proven is not worth the rest of its bytes.
      record?.catch((error: unknown) => ended.abort(error))
      if (source.size !== undefined) {
        await parts.room?.(route.realm, source.size)
        sized?.(source.size)
      }
      spool = await store.createSpool()
      const zip = await createArrivingZip(spool, source.size)
      arrival.begin(zip)
      const digest = createHash('sha256')
      for await (const chunk of source.chunks) {
        digest.update(chunk)
        await zip.append(chunk)
        arrival.progress()
      }
      const complete = { spool, sha256: digest.digest('hex'), commit: source.commit }
      const from = { name: origin.name, stored: false } as const
      const found = await takeIn(wanted, complete, from, { record, behalf })
      await zip.finish(found)
      await arrival.end()
      return found
    } catch (error) {
      const failure = asFailure(error, ended.signal)
      await arrival.end(failure)
      throw failure
    } finally {
      ended.abort()
      await spool?.discard()
    }
  }

  /** Every step between complete bytes and their being visible to all. */
  async function takeIn(
    wanted: WantedZip,
    { spool, sha256, commit }: { spool: Spool; sha256: string; commit: string | undefined },
    source: Source,
    { record, behalf }: { record: Promise<ChecksumRecord> | undefined; behalf: OnBehalf },
  ): Promise<StoredZip> {
    const { route, module, version } = wanted
    const row = await catalog.version(route.realm, module, version)
    refuseDeleted(wanted, row)
    await incidents.proveCommit({
      realm: route.realm,
      module,
      version,
      commit,
      source: source.name,
      known: row?.commit,
    })
    const h1 = await checker.check({
      path: spool.path,
      size: spool.size,
      module,
      version,
      source: source.name,
      urgency: behalf,
    })
    const provenBy = await prove(wanted, h1, source, record)
    await learnFacts(parts, wanted, source, {
      h1,
      zipSize: spool.size,
      zipSha256: sha256,
      ...(provenBy !== undefined && { provenBy }),
      ...(commit !== undefined && { commit }),
    })
    const outcome = await store.commit(storeKeyOf(wanted), spool, h1)
    dropped.forget(keyOf(wanted))
    await dropIfDeleted(parts, wanted)
    const file = await store.open(storeKeyOf(wanted))
    if (file === undefined) throw new ModsteadError('store_unavailable', 'a zip vanished as it was committed')
    parts.stored({ realm: route.realm, module, version })
    if (outcome === 'stored' || file.size === spool.size) {
      intact.set(keyOf(wanted), true)
      return { file, sha256 }
    }
    // The same contents are held in other bytes: those are what is given from then on.
    await learnFacts(parts, wanted, source, { h1, zipSize: file.size })
    return { file, sha256: undefined }
  }

  /** Starts or joins the one piece of work for this zip. */
  function work(wanted: WantedZip, order: Order): { done: Promise<StoredZip>; arrival: Arrival } {
    const key = keyOf(wanted)
    const arrival = arrivals.get(key) ?? createArrival()
    arrivals.set(key, arrival)
    const start = async (promoted: AbortSignal, askers: Askers): Promise<StoredZip> => {
      try {
        const promotable = { ...withoutAsker(order), promoted }
        const found = await stored(wanted, promotable)
        if (found !== undefined) return found
        const downloading = cold.run(wanted.route, askers, () => download(wanted, arrival, promotable))
        return await absences.remember(key, wanted.route.absent, downloading)
      } finally {
        arrivals.delete(key)
      }
    }
    const done = flights.join(key, start, order)
    done
      .catch(() => arrival.cut())
      .catch((error: unknown) => observer.log.error({ err: error }, 'a zip was not closed'))
    return { done, arrival }
  }

  async function getOnce(wanted: WantedZip, { signal, ...behalf }: OriginOptions): Promise<ZipAnswer> {
    const { done, arrival } = work(wanted, behalf)
    for (;;) {
      const seen = await waitFor(Promise.race([done, arrival.shown()]), signal)
      if (seen === undefined) continue
      if ('file' in seen) return seen
      if (arrival.isCurrent(seen)) return { live: seen }
    }
  }

  return {
    stored,
    async get(wanted, options) {
      absences.refuse(keyOf(wanted))
      return asClient(() => getOnce(wanted, options))
    },
    async whole(wanted, { signal, ...behalf }) {
      absences.refuse(keyOf(wanted))
      return asClient(() => waitFor(work(wanted, behalf).done, signal))
    },
    async fetchAhead(wanted, sized, behalf = { priority: 'background' }) {
      if (flights.has(keyOf(wanted)) || (await store.open(storeKeyOf(wanted))) !== undefined) return undefined
      return (await work(wanted, { ...behalf, ...(sized && { sized }) }).done).file.size
    },
    idle: () => flights.idle(),
  }
}

/** What the readers and the next request hear: the look-up's own refusal where that is what ended the download. */
function asFailure(error: unknown, ended: AbortSignal): ModsteadError {
  if (ended.aborted && ended.reason instanceof ModsteadError) return ended.reason
  if (error instanceof ModsteadError) return error
  return new ModsteadError('internal', 'a zip could not be taken in', { cause: error })
}
