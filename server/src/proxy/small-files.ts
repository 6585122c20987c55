import { equalHash, hashGoMod } from '@modstead/gomod/dirhash'
import { modulePathOf } from '@modstead/gomod/modfile/module-path'
import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import { ModsteadError } from '../errors.ts'
import { askOrigins } from './ask-origins.ts'
import type { ChecksumRecord } from './checksums.ts'
import { createFlights, waitFor } from './flights.ts'
import { parseInfo } from './info-file.ts'
import type { OnBehalf, OriginOptions } from './origin.ts'
import type { Parts } from './parts.ts'
import type { Route } from './route.ts'
import type { StoreKey } from './store.ts'

export type SmallKind = 'info' | 'mod'

/** The bytes of an `.info` or `.mod`, verified and stored. */
export interface SmallFile {
  bytes: Buffer
  modified: Date
  /** It came from an origin just now. */
  fetched: boolean
}

export interface Wanted<Kind extends string> {
  route: Route
  kind: Kind
  module: ModulePath
  version: Version
}

export interface SmallFiles {
  /** What is stored, proven first where this modstead did not store it itself. */
  stored(wanted: Wanted<SmallKind>): Promise<SmallFile | undefined>
  /** From the store, otherwise from the origins: one request upstream however many wait. */
  get(wanted: Wanted<SmallKind>, options: OriginOptions): Promise<SmallFile>
  idle(): Promise<void>
}

/** `.info` and `.mod` files: small enough to be held whole, verified before anyone gets a byte of them. */
export function createSmallFiles(parts: Parts): SmallFiles {
  const { store, catalog, absences, incidents, setbacks, shutdown } = parts
  const flights = createFlights<SmallFile>()

  async function stored(wanted: Wanted<SmallKind>): Promise<SmallFile | undefined> {
    const { route, module, version, kind } = wanted
    const key = keyOf(wanted)
    const file = await store.open(key)
    if (file === undefined) return undefined
    const bytes = await file.bytes()
    const row = await catalog.version(route.realm, module, version)
    const known = kind === 'info' ? row?.info === true : isSame(row?.goModH1, bytes)
    // Put there by someone else, or changed since: proven like an answer of an origin, and dropped when it fails.
    if (!known) {
      try {
        await accept(wanted, bytes, 'store', lookUp(wanted, 'client'))
      } catch (error) {
        if (!isRefutation(error)) throw error
        await store.remove(key)
        return undefined
      }
    }
    return { bytes, modified: file.modified, fetched: false }
  }

  /** Checks and records one answer; commits it where it came from an origin. */
  async function accept(
    wanted: Wanted<SmallKind>,
    bytes: Buffer,
    source: string,
    record: Promise<ChecksumRecord> | undefined,
  ): Promise<void> {
    const { route, module, version, kind } = wanted
    if (kind === 'info') {
      const info = parseInfo(module, version, bytes)
      if ('problem' in info) {
        throw new ModsteadError(
          'upstream_invalid',
          `${source} has an .info file of ${module}@${version} ${info.problem}`,
          {
            origin: source,
          },
        )
      }
      const { time } = info
      if (source !== 'store') await store.commit(keyOf(wanted), bytes)
      await catalog.learn(route.realm, module, version, { info: true, origin: source, ...(time && { time }) })
      return
    }
    const hash = hashGoMod(bytes)
    const row = await catalog.version(route.realm, module, version)
    const claim = { realm: route.realm, module, version, kind, hash, known: row?.goModH1, source, record }
    const provenBy = await incidents.prove(claim)
    if (provenBy === undefined && source !== 'store') checkDeclaredPath(bytes, module, version, source)
    if (source !== 'store') await store.commit(keyOf(wanted), bytes, hash)
    await catalog.learn(route.realm, module, version, {
      goModH1: hash,
      origin: source,
      ...(provenBy !== undefined && { provenBy }),
    })
  }

  async function fetch(wanted: Wanted<SmallKind>, behalf: OnBehalf): Promise<SmallFile> {
    const { route, module, version, kind } = wanted
    const options: OriginOptions = { ...behalf, signal: shutdown }
    const record = lookUp(wanted, behalf.priority)
    return askOrigins({ route, setbacks, what: nameOf(wanted) }, async (origin) => {
      const bytes =
        kind === 'mod'
          ? await origin.goMod(module, version, options)
          : infoBytes(await origin.resolve(module, version, options))
      await accept(wanted, bytes, origin.name, record)
      return { bytes, modified: new Date(parts.now()), fetched: true }
    })
  }

  function lookUp(
    wanted: Wanted<SmallKind>,
    priority: OriginOptions['priority'],
  ): Promise<ChecksumRecord> | undefined {
    if (wanted.kind === 'info') return undefined
    const record = wanted.route.checksum?.lookup(wanted.module, wanted.version, {
      signal: shutdown,
      priority,
    })
    // It may fail before the file is there, or for a file that is nowhere: whoever awaits it hears of it.
    record?.catch(() => undefined)
    return record
  }

  return {
    stored,
    async get(wanted, { signal, ...behalf }) {
      const name = nameOf(wanted)
      const key = `${wanted.route.realm} ${name}`
      absences.refuse(key)
      const work = flights.join(
        key,
        async () =>
          (await stored(wanted)) ?? absences.remember(key, wanted.route.absent, fetch(wanted, behalf)),
      )
      return waitFor(work, signal)
    },
    idle: () => flights.idle(),
  }
}

/** e.g. `mod example.com/m@v1.0.0`. */
export function nameOf(wanted: Wanted<string>): string {
  return `${wanted.kind} ${wanted.module}@${wanted.version}`
}

function keyOf(wanted: Wanted<SmallKind>): StoreKey {
  return { realm: wanted.route.realm, module: wanted.module, version: wanted.version, kind: wanted.kind }
}

function isSame(known: string | undefined, bytes: Buffer): boolean {
  return known !== undefined && equalHash(known, hashGoMod(bytes))
}

/** The contents are wrong, as opposed to: cannot be proven now. */
export function isRefutation(error: unknown): boolean {
  return (
    error instanceof ModsteadError &&
    (error.code === 'checksum_mismatch' || error.code === 'upstream_invalid')
  )
}

function infoBytes(info: { bytes: Buffer } | 'unchanged'): Buffer {
  if (info === 'unchanged')
    throw new ModsteadError('upstream_invalid', 'an origin said 304 to a request without validators')
  return info.bytes
}

/**
 * A go.mod may declare another path than it is served under: forks that are only used with `replace` do. That is
 * taken where a checksum database proved the file; without a proof it is the mark of a wrong answer.
 */
function checkDeclaredPath(bytes: Buffer, module: ModulePath, version: Version, source: string): void {
  const declared = modulePathOf(bytes)
  if (declared === module) return
  throw new ModsteadError(
    'upstream_invalid',
    `${source} gave a go.mod for ${module}@${version} that ${declared ? `declares ${declared}` : 'declares no module'}`,
    {
      origin: source,
      next: 'a fork that keeps its old path is only accepted with a checksum database that proves it',
    },
  )
}
