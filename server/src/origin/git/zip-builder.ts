import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Piscina } from 'piscina'
import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import { ModsteadError } from '../../errors.ts'
import type { Logger } from '../../observe/observer.ts'
import { workerUrl } from '../../observe/worker-url.ts'
import type { ZipSource } from '../../proxy/origin.ts'
import { createSlots } from '../slots.ts'
import { BrokenClone } from './clone.ts'
import type { RunGit } from './git-helper.ts'
import { GitStopped } from './run-git.ts'
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
  run: RunGit
  log: Logger
}

/** Bytes of a zip that are read at a time, and then written: what is written in large pieces is read faster ever after. */
const CHUNK = 1 << 20

export function createZipBuilder(options: ZipBuilderOptions): ZipBuilder {
  const { scratch, threads, most, deadline, run, log } = options
  const turns = createSlots(threads + 1)
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

  /** Lets git write the files of the commit as it would check them out: line endings and encodings are converted. */
  async function archive(
    { gitDir, hash, folder }: ZipOrder,
    output: string,
    signal: AbortSignal,
  ): Promise<void> {
    const files = folder === '' ? [] : [folder]
    const args = ['archive', '--format=tar', '--end-of-options', hash, ...files]
    const bounds = { deadlines: { total: deadline }, limit: most }
    const { status, said } = await run({ args, gitDir, output, signal, ...bounds })
    if (status !== 0) throw new BrokenClone(said)
  }

  async function make(order: ZipOrder, path: string, signal: AbortSignal): Promise<ZipBuildResult> {
    const { module, version, folder, license } = order
    const tar = `${path}.tar`
    try {
      await archive(order, tar, signal)
      return await pool.run({ archive: tar, folder, module, version, license, path }, { signal })
    } catch (error) {
      if (!(error instanceof GitStopped)) throw error
      const late = `git did not give its files within ${deadline} ms`
      throw refusal(order, error.reason === 'limit' ? `its files have more than ${most} bytes` : late)
    } finally {
      await rm(tar, { force: true })
    }
  }

  return {
    async build(order, signal) {
      const path = join(scratch, `${process.pid}-${++count}.zip`)
      // Each archive takes room on the disk until its zip is made.
      const done = await turns.take('client', signal)
      const result = await make(order, path, signal).finally(done)
      if ('size' in result) return { size: result.size, chunks: chunksOf(path, result.size) }
      if (result.problem === 'clone') throw new BrokenClone(result.message)
      throw refusal(order, result.message)
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

function refusal({ module, version, url }: ZipOrder, problem: string): ModsteadError {
  return new ModsteadError(
    'upstream_invalid',
    `no zip can be made of ${module}@${version} from ${url}: ${problem}`,
    { next: 'correct the repository and tag a new version; go itself refuses such a module too' },
  )
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
