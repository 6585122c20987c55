import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { Piscina } from 'piscina'
import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import { ModsteadError } from '../errors.ts'
import { workerUrl } from '../observe/worker-url.ts'
import { checkZipFile, type ZipTask, type ZipVerdict } from './zip-worker.ts'

export interface ZipReport {
  h1: string
  /** Entries, and their total uncompressed bytes. */
  files: number
  size: number
}

/** Checks complete module zips against every rule of golang.org/x/mod/zip and computes their dirhash. */
export interface ZipChecker {
  /** Throws `upstream_invalid` naming the rule that is broken. `size` is that of the file, in bytes. */
  check(path: string, size: number, module: ModulePath, version: Version): Promise<ZipReport>
  close(): Promise<void>
}

/** Zips up to this many bytes are checked in place: handing them to a worker costs more than the check. */
const IN_PLACE = 64 << 10

export function createZipChecker(threads: number): ZipChecker {
  const pool = new Piscina<ZipTask, ZipVerdict>({
    filename: workerUrl(import.meta.url, './zip-worker.ts'),
    name: 'checkZipFile',
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: 30_000,
    // Large buffers live outside the heap; a young generation that is collected often gives them back sooner.
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  })
  return {
    async check(path, size, module, version) {
      const task: ZipTask = { path, module, version }
      const verdict = size <= IN_PLACE ? await checkZipFile(task) : await pool.run(task)
      if ('report' in verdict) return verdict.report
      if (verdict.code !== 'invalid_zip' && verdict.code !== 'zip_too_large') {
        throw new ModsteadError(
          'store_unavailable',
          `the zip of ${module}@${version} could not be checked: ${verdict.message}`,
        )
      }
      throw new ModsteadError(
        'upstream_invalid',
        `the zip of ${module}@${version} is not a valid module zip: ${verdict.message}`,
      )
    },
    close: () => pool.close({ force: true }),
  }
}

/** Hex SHA-256 of a local file's bytes. */
export async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  const digest = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), digest, { signal })
  return digest.digest('hex')
}
