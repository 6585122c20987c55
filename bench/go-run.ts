import { cp, readdir, stat, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGoHome } from '../test/support/go.ts'
import type { ModuleCache } from '../test/support/module-cache.ts'

export interface GoRun {
  /** Seconds. */
  took: number
  /** Bytes of the .info, .mod and .zip files that the client has afterwards. */
  needed: number
}

export interface GoRunOptions {
  cache: ModuleCache
  proxy: string
  args: readonly string[]
  /** As `taskset` takes them. */
  cpus?: string
}

/** What a run may need: the project's modules unpacked are ten times their zips. */
const ROOM = 2 << 30

/**
 * Runs `go` in a copy of the project, from an empty module cache, in memory where there is room: unpacking thousands
 * of files to a disk takes longer than all else, and not twice the same.
 */
export async function runGo({ cache, proxy, args, cpus }: GoRunOptions): Promise<GoRun> {
  // Two requests at a time whatever the machine has, so that figures of machines can be compared.
  const env = { GOMAXPROCS: '2' }
  const go = await createGoHome({
    proxy,
    env,
    parent: await fastFolder(),
    ...(cpus !== undefined && { cpus }),
  })
  try {
    const cwd = join(go.folder, 'project')
    await cp(cache.project, cwd, { recursive: true })
    const { code, stderr, took } = await go.run(args, { cwd })
    if (code !== 0) throw new Error(`go ${args.join(' ')} ended with ${code}: ${stderr.slice(-2000)}`)
    const sizes = await fileSizes(join(go.modCache, 'cache', 'download'), /\.(info|mod|zip)$/)
    return { took: took / 1000, needed: sizes.reduce((total, size) => total + size, 0) }
  } finally {
    await go.close()
  }
}

/** Sizes in bytes of the files below a folder whose paths match. */
export async function fileSizes(folder: string, pattern: RegExp): Promise<number[]> {
  const paths = (await readdir(folder, { recursive: true })).filter((path) => pattern.test(path))
  return Promise.all(paths.map(async (path) => (await stat(join(folder, path))).size))
}

/** A folder in memory where there is room, else one for temporary files. */
export async function fastFolder(): Promise<string> {
  try {
    const { bavail, bsize } = await statfs('/dev/shm')
    return bavail * bsize > ROOM ? '/dev/shm' : tmpdir()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return tmpdir()
    throw error
  }
}
