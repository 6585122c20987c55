import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Piscina } from 'piscina'
import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import { ModsteadError } from '../../errors.ts'
import type { Logger } from '../../observe/observer.ts'
import { workerUrl } from '../../observe/worker-url.ts'
import type { ZipSource } from '../../proxy/origin.ts'
import { BrokenClone } from './clone.ts'
import type { ZipBuildResult, ZipBuildTask } from './zip-build.ts'

/** A module version as a folder of a commit. */
export interface ZipOrder {
  module: ModulePath
  version: Version
  gitDir: string
  hash: string
  folder: string
  license: Buffer | undefined
  /** For messages. */
  url: string
}

/** Makes module zips from commits, in worker threads. */
export interface ZipBuilder {
  /**
   * The finished zip, to be read once. Throws `upstream_invalid` where no module zip can be made of the commit's files,
   * and `BrokenClone` where git cannot read the clone.
   */
  build(order: ZipOrder, signal: AbortSignal): Promise<ZipSource>
  /** Starts a worker where none runs: someone is about to need it. */
  prepare(): void
  close(): Promise<void>
}

export interface ZipBuilderOptions {
  /** A folder for files under way; it exists, and nothing else is in it. */
  scratch: string
  /** Workers at most. */
  threads: number
  /** Bytes that the files of a commit may have, those that do not belong to the module included. */
  most: number
  /** Milliseconds that git may take to give them. */
  deadline: number
  log: Logger
}

/** Bytes of a zip that are read at a time. */
const CHUNK = 256 << 10

export function createZipBuilder(options: ZipBuilderOptions): ZipBuilder {
  const { scratch, threads, most, deadline, log } = options
  const pool = new Piscina<ZipBuildTask | undefined, ZipBuildResult>({
    filename: workerUrl(import.meta.url, './zip-build.ts'),
    name: 'buildZip',
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: 30_000,
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  })
  pool.on('error', (error: unknown) => log.error({ err: error }, 'a worker that makes zips failed'))
  let count = 0

  return {
    async build({ module, version, gitDir, hash, folder, license, url }, signal) {
      const path = join(scratch, `${process.pid}-${++count}.zip`)
      const task = { gitDir, hash, folder, module, version, license, path, most, deadline }
      const result = await pool.run(task, { signal }).catch(async (error: unknown) => {
        // A worker that was ended in the middle has left what it was at.
        for (const left of [path, `${path}.tar`]) await rm(left, { force: true })
        throw error
      })
      if ('size' in result) return { size: result.size, chunks: chunksOf(path, result.size) }
      if (result.problem === 'clone') throw new BrokenClone(result.message)
      throw new ModsteadError(
        'upstream_invalid',
        `no zip can be made of ${module}@${version} from ${url}: ${result.message}`,
        { next: 'correct the repository and tag a new version; go itself refuses such a module too' },
      )
    },
    prepare() {
      if (pool.threads.length > 0) return
      pool
        .run(undefined, { name: 'start' })
        .catch((error: unknown) => log.warn({ err: error }, 'a worker that makes zips could not be started'))
    },
    close: () => pool.close({ force: true }),
  }
}

/** The file's bytes; it is deleted when they have been read, or nobody wants the rest. */
async function* chunksOf(path: string, size: number): AsyncGenerator<Buffer> {
  const file = await open(path, 'r')
  try {
    for (let at = 0; at < size;) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK, size - at))
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) throw new ModsteadError('store_unavailable', 'a zip under way was cut short')
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
    await rm(path, { force: true })
  }
}
