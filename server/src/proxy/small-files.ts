import { equalHash, hashGoMod } from '@modstead/gomod/dirhash'
import { modulePathOf } from '@modstead/gomod/modfile/module-path'
import { incidentOf, ModsteadError } from '../errors.ts'
import { askOrigins } from './ask-origins.ts'
import type { VersionFacts } from './catalog.ts'
import type { ChecksumRecord } from './checksums.ts'
import { dropIfDeleted, refuseDeleted } from './deletions.ts'
import { alsoFor, asClient, createFlights, waitFor, withoutAsker } from './flights.ts'
import { mayBecomeFact } from './half-published.ts'
import { parseInfo } from './info-file.ts'
import { learnFacts } from './learn-facts.ts'
import type { GoModFile, InfoFile, OnBehalf, OriginOptions } from './origin.ts'
import type { Parts } from './parts.ts'
import { isWrong } from './setbacks.ts'
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

export type SmallKind = 'info' | 'mod'

/** The bytes of an `.info` or `.mod`, verified and stored. */
export interface SmallFile {
  bytes: Buffer
  modified: Date
  /** It came from an origin just now. */
  fetched: boolean
}

export interface SmallFiles {
  /** What is stored, proven first where this modstead did not store it itself. */
  stored(wanted: Wanted<SmallKind>, behalf: OnBehalf): Promise<SmallFile | undefined>
  /** From the store, otherwise from the origins: one request upstream however many wait. */
  get(wanted: Wanted<SmallKind>, options: OriginOptions): Promise<SmallFile>
  /** It is being read or fetched, for whomever. */
  isUnderWay(wanted: Wanted<SmallKind>): boolean
  idle(): Promise<void>
}

/** `.info` and `.mod` files: small enough to be held whole, verified before anyone gets a byte of them. */
export function createSmallFiles(parts: Parts): SmallFiles {
  const { store, catalog, absences, cold, dropped, incidents, setbacks, shutdown } = parts
  const flights = createFlights<SmallFile>()
  const readings = createFlights<SmallFile | undefined>()

  /** Put there by someone else, or changed since, it is proven like an origin's answer, and dropped when refuted. */
  async function readStored(wanted: Wanted<SmallKind>, behalf: OnBehalf): Promise<SmallFile | undefined> {
    const { route, module, version, kind } = wanted
    const row = await catalog.version(route.realm, module, version)
    refuseDeleted(wanted, row)
    const file = await store.open(storeKeyOf(wanted))
    if (file === undefined) return undefined
    const bytes = await file.bytes()
    const known = kind === 'info' ? row?.info === true : isSame(row?.goModH1, bytes)
    if (!known) {
      if (!(await mayBecomeFact(parts, wanted))) return undefined
      const record = kind === 'mod' ? startLookup(wanted, { ...behalf, signal: shutdown }) : undefined
      try {
        await accept(wanted, { bytes }, FROM_STORE, record)
      } catch (error) {
        if (!isWrong(error)) throw error
        await store.remove(storeKeyOf(wanted))
        dropped.note(keyOf(wanted), incidentOf(error))
        return undefined
      }
    }
    return { bytes, modified: file.modified, fetched: false }
  }

  function stored(wanted: Wanted<SmallKind>, behalf: OnBehalf): Promise<SmallFile | undefined> {
    const read = (promoted: AbortSignal) => readStored(wanted, alsoFor(behalf, promoted))
    return readings.join(keyOf(wanted), read, behalf)
  }

  async function accept(
    wanted: Wanted<SmallKind>,
    file: GoModFile,
    source: Source,
    record: Promise<ChecksumRecord> | undefined,
  ): Promise<void> {
    const { route, module, version } = wanted
    const known = await catalog.version(route.realm, module, version)
    refuseDeleted(wanted, known)
    const { commit } = file
    await incidents.proveCommit({
      realm: route.realm,
      module,
      version,
      commit,
      source: source.name,
      known: known?.commit,
    })
    await (wanted.kind === 'info'
      ? acceptInfo(wanted, file, source)
      : acceptMod(wanted, file, source, known, record))
  }

  async function put(wanted: Wanted, bytes: Buffer, hash?: string): Promise<void> {
    await store.commit(storeKeyOf(wanted), bytes, hash)
    dropped.forget(keyOf(wanted))
    await dropIfDeleted(parts, wanted)
  }

  async function acceptInfo(wanted: Wanted, { bytes, commit }: GoModFile, source: Source): Promise<void> {
    const { module, version } = wanted
    const info = parseInfo(module, version, bytes)
    if ('problem' in info) {
      const sentence = `${source.name} has an .info file of ${module}@${version} ${info.problem}`
      throw new ModsteadError('upstream_invalid', sentence, { origin: source.name })
    }
    // That the file is good is a fact once it is there, and not before.
    if (commit !== undefined) await learnFacts(parts, wanted, source, { commit })
    if (!source.stored) await put(wanted, bytes)
    const time = info.time === undefined ? {} : { time: info.time }
    await learnFacts(parts, wanted, source, { info: true, ...time })
  }

  async function acceptMod(
    wanted: Wanted,
    { bytes, commit }: GoModFile,
    source: Source,
    row: VersionFacts | undefined,
    record: Promise<ChecksumRecord> | undefined,
  ): Promise<void> {
    const { route, module, version } = wanted
    const hash = hashGoMod(bytes)
    const claim = {
      realm: route.realm,
      module,
      version,
      kind: 'mod',
      hash,
      known: row?.goModH1,
      source,
      record,
    } as const
    const provenBy = await incidents.prove(claim)
    if (provenBy === undefined && !source.stored && !route.private)
      checkDeclaredPath(wanted, bytes, source.name)
    await learnFacts(parts, wanted, source, {
      goModH1: hash,
      ...(provenBy !== undefined && { provenBy }),
      ...(commit !== undefined && { commit }),
    })
    if (!source.stored) await put(wanted, bytes, hash)
  }

  async function fetch(wanted: Wanted<SmallKind>, behalf: OnBehalf): Promise<SmallFile> {
    const { route, module, version, kind } = wanted
    const known = await catalog.version(route.realm, module, version)
    const options = exactOptions({ route, behalf, signal: shutdown, known })
    const record = kind === 'mod' ? startLookup(wanted, options) : undefined
    return askOrigins({ route, module, setbacks, behalf, what: nameOf(wanted) }, async (origin) => {
      const file =
        kind === 'mod'
          ? await origin.goMod(module, version, options)
          : asWhole(await origin.resolve(module, version, options))
      await accept(wanted, file, { name: origin.name, stored: false }, record)
      return { bytes: file.bytes, modified: new Date(parts.now()), fetched: true }
    })
  }

  return {
    stored,
    async get(wanted, { signal, ...behalf }) {
      const key = keyOf(wanted)
      absences.refuse(key)
      const work = (): Promise<SmallFile> =>
        flights.join(
          key,
          async (promoted, askers) => {
            const inTurn = { ...withoutAsker(behalf), promoted }
            const fetching = () => cold.run(wanted.route, askers, () => fetch(wanted, inTurn))
            return (await stored(wanted, inTurn)) ?? absences.remember(key, wanted.route.absent, fetching())
          },
          behalf,
        )
      return waitFor(behalf.priority === 'client' ? asClient(work) : work(), signal)
    },
    isUnderWay: (wanted) => flights.has(keyOf(wanted)),
    idle: () => flights.idle(),
  }
}

function isSame(known: string | undefined, bytes: Buffer): boolean {
  return known !== undefined && equalHash(known, hashGoMod(bytes))
}

function asWhole(info: InfoFile | 'unchanged'): InfoFile {
  if (info !== 'unchanged') return info
  throw new ModsteadError('upstream_invalid', 'an origin said 304 to a request without validators')
}

/**
 * A go.mod may declare another path than it is served under: forks that are only used with `replace` do. That is
 * taken where a checksum database proved the file, and on private routes, whose origins are the company's own; from a
 * public origin without a proof it is the mark of a wrong answer.
 */
function checkDeclaredPath({ module, version }: Wanted, bytes: Buffer, source: string): void {
  const declared = modulePathOf(bytes)
  if (declared === module) return
  const found = declared === undefined ? 'declares no module' : `declares ${declared}`
  throw new ModsteadError(
    'upstream_invalid',
    `${source} gave a go.mod for ${module}@${version} that ${found}`,
    {
      origin: source,
      next: 'a fork that keeps its old path is only accepted with a checksum database that proves it',
    },
  )
}
