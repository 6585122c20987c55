import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The realistic project: a go.mod with more than 80 requirements, and what `go` downloaded for it once. */
export interface ModuleCache {
  /** The project's sources; to be copied before `go` works in it. */
  project: string
  /** Its `cache/download`: a GOPROXY=file:// tree, with the checksum database's records below `sumdb/`. */
  download: string
}

const PROJECT = fileURLToPath(new URL('../testdata/project', import.meta.url))
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/modstead', import.meta.url))
const FILL_DEADLINE_MS = 10 * 60_000

/**
 * The module cache that tests and benchmarks serve from. It is filled once, by the ordinary `go mod download`,
 * `go list -m all` and `go mod tidy` with the machine's own GOPROXY and GOSUMDB, and kept until the project's go.mod
 * or go.sum changes: about 95 MB. Processes that come at the same time wait for the one that fills it.
 */
export async function sharedModuleCache(): Promise<ModuleCache> {
  // The number changes when the way of filling does.
  const wanted = createHash('sha256').update('2')
  for (const name of ['go.mod', 'go.sum', 'main.go']) wanted.update(await readFile(join(PROJECT, name)))
  const folder = join(CACHE, `modules-${wanted.digest('hex').slice(0, 16)}`)
  const found = { project: PROJECT, download: join(folder, 'download') }
  await mkdir(CACHE, { recursive: true })
  const deadline = Date.now() + FILL_DEADLINE_MS
  while (!existsSync(folder)) {
    const lock = await tryLock(`${folder}.lock`)
    if (lock === undefined) {
      if (Date.now() > deadline)
        throw new Error(`another process has held ${folder}.lock for too long: delete it`)
      await new Promise((resolve) => setTimeout(resolve, 250))
      continue
    }
    try {
      if (!existsSync(folder)) await fill(folder)
    } finally {
      await lock()
    }
  }
  return found
}

/** Takes the lock file, or gives undefined while someone has it. Locks older than the deadline are left by the dead. */
async function tryLock(path: string): Promise<(() => Promise<void>) | undefined> {
  try {
    const handle = await open(path, 'wx')
    await handle.close()
    return () => rm(path, { force: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const held = await stat(path).catch(() => undefined)
    if (held !== undefined && Date.now() - held.mtimeMs > FILL_DEADLINE_MS) await rm(path, { force: true })
    return undefined
  }
}

async function fill(folder: string): Promise<void> {
  console.error('tests: filling the shared module cache with `go mod download` (once, about 95 MB)')
  const work = await mkdtemp(join(dirname(folder), 'filling-'))
  const project = join(work, 'project')
  const settings = await run('go', ['env', '-json', 'GOPROXY', 'GOSUMDB', 'GONOSUMDB', 'GOINSECURE'])
  const env = {
    ...process.env,
    ...(JSON.parse(settings.stdout) as Record<string, string>),
    GOENV: 'off',
    GOFLAGS: '-modcacherw',
    GOTOOLCHAIN: 'local',
    GOMODCACHE: join(work, 'mod'),
    GOPATH: join(work, 'gopath'),
  }
  try {
    await cp(PROJECT, project, { recursive: true })
    // Without go.sum every hash is asked of the checksum database, so that its records come into the cache too.
    await rm(join(project, 'go.sum'))
    for (const args of [
      ['mod', 'tidy'],
      ['mod', 'download'],
      ['list', '-m', 'all'],
    ])
      await run('go', args, { cwd: project, env, timeout: FILL_DEADLINE_MS, maxBuffer: 1 << 26 })
    await compareSums(join(project, 'go.sum'))
    // `go` fetches some zips whose go.mod it never looks at; a real upstream has both.
    const bare = await zipsWithoutMod(join(work, 'mod', 'cache', 'download'))
    if (bare.length > 0)
      await run('go', ['mod', 'download', ...bare], { cwd: work, env, timeout: FILL_DEADLINE_MS })
    const filled = join(work, 'filled')
    await mkdir(filled)
    await rename(join(work, 'mod', 'cache', 'download'), join(filled, 'download'))
    await rename(filled, folder)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function compareSums(path: string): Promise<void> {
  const got = new Set((await readFile(path, 'utf8')).split('\n'))
  const wanted = (await readFile(join(PROJECT, 'go.sum'), 'utf8')).split('\n')
  const missing = wanted.find((line) => !got.has(line))
  if (missing !== undefined)
    throw new Error(`test/testdata/project/go.sum has a line that \`go\` did not: ${missing}`)
}

/** The `module@version` of zips that have no `.mod` beside them. */
async function zipsWithoutMod(download: string): Promise<string[]> {
  const files = new Set(await readdir(download, { recursive: true }))
  return [...files]
    .filter((path) => path.endsWith('.zip') && !files.has(path.replace(/zip$/, 'mod')))
    .map((path) => path.slice(0, -'.zip'.length).replace('/@v/', '@'))
    .map((escaped) => escaped.replace(/!(.)/g, (_, letter: string) => letter.toUpperCase()))
}
