import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { Piscina } from 'piscina'
import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import { ModsteadError } from '../errors.ts'
import type { Logger } from '../observe/observer.ts'
import { workerUrl } from '../observe/worker-url.ts'
import { createZipQueue, type Urgency, withUrgency } from './zip-queue.ts'
import { checkZipFile, type ZipTask, type ZipVerdict } from './zip-worker.ts'

export interface CompleteZip {
  /** Local path, and bytes. */
  path: string
  size: number
  module: ModulePath
  version: Version
  /** Who gave it, for messages. */
  source: string
  /** Zips that clients wait for are checked first. */
  urgency: Urgency
}

export interface InspectedZip {
  h1: string
  goMod?: Uint8Array
}

/** Checks complete module zips against every rule of golang.org/x/mod/zip. */
export interface ZipChecker {
  /** Gives the dirhash of its contents. Throws `upstream_invalid` naming the source and the rule that is broken. */
  check(zip: CompleteZip): Promise<string>
  /** The same, with the go.mod in its root where it has one. */
  inspect(zip: CompleteZip): Promise<InspectedZip>
  close(): Promise<void>
}

/** Zips up to this many bytes are checked in place: handing them to a worker costs more than the check. */
const IN_PLACE = 64 << 10

/** `threads` is the number of workers at most. */
export function createZipChecker({ threads, log }: { threads: number; log: Logger }): ZipChecker {
  const pool = new Piscina<ZipTask, ZipVerdict>({
    filename: workerUrl(import.meta.url, './zip-worker.ts'),
    name: 'checkZipFile',
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: 30_000,
    taskQueue: createZipQueue(),
    stricterFIFO: true,
    // Large buffers live outside the heap; a young generation that is collected often gives them back sooner.
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  })
  // Without a listener an exception of an idle worker would end the process; the pool replaces the worker.
  pool.on('error', (error: unknown) => log.error({ err: error }, 'a worker that checks zips failed'))
  async function run(zip: CompleteZip, goMod: boolean): Promise<InspectedZip> {
    const { path, size, module, version, source, urgency } = zip
    const task: ZipTask = { path, module, version, goMod }
    const verdict = size <= IN_PLACE ? await checkZipFile(task) : await pool.run(withUrgency(task, urgency))
    if ('h1' in verdict) return verdict
    const { code, message } = verdict
    if (code === 'invalid_zip' || code === 'zip_too_large') {
      const sentence = `${source} gave a zip of ${module}@${version} that is no valid module zip: ${message}`
      throw new ModsteadError('upstream_invalid', sentence, { origin: source })
    }
    throw new ModsteadError(
      'store_unavailable',
      `the zip of ${module}@${version} could not be checked: ${message}`,
    )
  }

  return {
    check: async (zip) => (await run(zip, false)).h1,
    inspect: (zip) => run(zip, true),
    close: () => pool.close({ force: true }),
  }
}

/** Hex SHA-256 of a local file's bytes. */
export async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  const digest = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), digest, { signal })
  return digest.digest('hex')
}
