import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Piscina } from 'piscina'
import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import { ModsteadError } from '../../../errors.ts'
import type { Logger } from '../../../observe/observer.ts'
import { workerUrl } from '../../../observe/worker-url.ts'
import type { ZipSource } from '../../../proxy/origin.ts'
import { archive, type ArchiveOrder, type ArchiveProblem } from './archive.ts'
import { BrokenClone } from '../clones/clone.ts'
import { systemFailure } from '../programs/disk-full.ts'
import { createGate } from '../programs/gates.ts'
import type { RunGit } from '../programs/git-helper.ts'
import type { ZipBuildResult, ZipBuildTask } from './zip-build.ts'

/** A module version as a folder of a commit. */
export interface ZipOrder extends ArchiveOrder {
  module: ModulePath
  version: Version
  license: Buffer | undefined
  /** Bytes that the zip may have, and the files in it together. */
  limit: number
  /** For messages. */
  url: string
}

/** Makes module zips from commits, in worker threads. */
export interface ZipBuilder {
  /**
   * The finished zip, to be read once or given up through the signal. Throws `upstream_invalid` where no module zip can
   * be made of the commit's files, `overloaded`, `store_unavailable` for a failure of the disk, and `BrokenClone` where
   * git cannot read the clone.
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
/** How long an order waits for its turn. Milliseconds. */
const PATIENCE = 120_000

export function createZipBuilder(options: ZipBuilderOptions): ZipBuilder {
  const { scratch, threads, most, deadline, run, log } = options
  const pool = new Piscina<ZipBuildTask | undefined, ZipBuildResult>({
    filename: workerUrl(import.meta.url, './zip-build.ts'),
    name: 'buildZip',
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: 30_000,
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  })
  pool.on('error', (error: unknown) => log.error({ err: error }, 'a worker that makes zips failed'))
  const gate = createGate({ size: threads, patience: PATIENCE, what: 'zips in the making' })
  let count = 0

  async function make(path: string, order: ZipOrder, signal: AbortSignal): Promise<Made> {
    const { module, version, folder, license, limit } = order
    const tar = `${path}.tar`
    try {
      const problem = await archive(order, { run, output: tar, most, deadline, signal })
      return problem ?? (await pool.run({ folder, module, version, license, limit, tar, path }, { signal }))
    } finally {
      await rm(tar, { force: true })
    }
  }

  return {
    async build(order, signal) {
      const path = join(scratch, `${process.pid}-${++count}.zip`)
      try {
        const made = await gate.pass(signal, () => make(path, order, signal))
        if ('problem' in made) throw failureOf(made, order)
        signal.throwIfAborted()
        const given = { path, size: made.size, signal, log }
        return { size: made.size, chunks: chunksOf(given, dropWhenGivenUp(given)) }
      } catch (error) {
        await rm(path, { force: true })
        signal.throwIfAborted()
        throw error
      }
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

type Made = ZipBuildResult | ArchiveProblem

function failureOf(made: Extract<Made, { problem: string }>, { module, version, url }: ZipOrder): Error {
  const { problem, message } = made
  if (problem === 'system') return systemFailure(made.code, message, `make the zip of ${module}@${version}`)
  if (problem === 'clone') return new BrokenClone(message)
  return new ModsteadError(
    'upstream_invalid',
    `no zip can be made of ${module}@${version} from ${url}: ${message}`,
    { next: 'correct the repository and tag a new version; go itself refuses such a module too' },
  )
}

/** A zip that was made. */
interface Given {
  path: string
  size: number
  signal: AbortSignal
  log: Logger
}

/** Deletes the zip when its signal fires, for whoever gives it up may not have begun to read. Gives what ends that. */
function dropWhenGivenUp({ path, signal, log }: Given): () => void {
  const drop = (): void => {
    rm(path, { force: true }).catch((error: unknown) =>
      log.warn({ err: error, path }, 'a zip could not be deleted'),
    )
  }
  signal.addEventListener('abort', drop, { once: true })
  return () => signal.removeEventListener('abort', drop)
}

/** The file's bytes; it is deleted when they have been read, or nobody wants the rest. */
async function* chunksOf({ path, size, signal }: Given, read: () => void): AsyncGenerator<Buffer> {
  signal.throwIfAborted()
  const file = await open(path, 'r')
  try {
    for (let at = 0; at < size;) {
      signal.throwIfAborted()
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK, size - at))
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) throw new ModsteadError('store_unavailable', 'a zip under way was cut short')
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
    await rm(path, { force: true })
    read()
  }
}
