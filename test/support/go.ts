import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface GoOptions {
  /** GOPROXY. */
  proxy: string
  /** GOSUMDB; default `off`. */
  sumdb?: string
  /** Folder to make the home in; default: the system's for temporary files. */
  parent?: string
  /** CPUs to run on, as `taskset` takes them: `1` or `0,1`. Default: those of this process. */
  cpus?: string
  /** More environment: GONOSUMDB, SSL_CERT_FILE, GOTOOLCHAIN … */
  env?: Record<string, string>
}

export interface GoResult {
  code: number
  stdout: string
  stderr: string
  /** Milliseconds. */
  took: number
}

/** The machine's `go` with a home, module cache and configuration of its own: nothing of the machine shows through. */
export interface GoHome {
  readonly folder: string
  readonly modCache: string
  /** Runs `go ARGS`; never throws for a failing command. `cwd` defaults to the home itself. */
  run(args: readonly string[], options?: { cwd?: string; env?: Record<string, string> }): Promise<GoResult>
  /** As run, but a failure is an error with what `go` said. Gives stdout. */
  ok(args: readonly string[], options?: { cwd?: string; env?: Record<string, string> }): Promise<string>
  /** A folder with a go.mod `module example.com/app` and the files given. */
  project(files?: Record<string, string>): Promise<string>
  close(): Promise<void>
}

/** All tests share it: compiling is not what they are about, and with -trimpath no path of a home gets into it. */
const BUILD_CACHE = fileURLToPath(new URL('../../node_modules/.cache/modstead/go-build', import.meta.url))
const DEADLINE_MS = 5 * 60_000

export async function createGoHome(options: GoOptions): Promise<GoHome> {
  const folder = await mkdtemp(join(options.parent ?? tmpdir(), 'modstead-go-'))
  const modCache = join(folder, 'mod')
  const telemetry = join(folder, '.config', 'go', 'telemetry')
  await mkdir(telemetry, { recursive: true })
  // Telemetry would start a process of its own that outlives the command and writes into this folder.
  await writeFile(join(telemetry, 'mode'), 'off 2024-01-01')
  const base: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    GOENV: 'off',
    GOPATH: join(folder, 'gopath'),
    GOMODCACHE: modCache,
    GOCACHE: BUILD_CACHE,
    GOFLAGS: '-modcacherw -trimpath -buildvcs=false',
    GOTOOLCHAIN: 'local',
    // No test reaches a version control server, whatever the proxy answers.
    GOVCS: '*:off',
    GOPROXY: options.proxy,
    GOSUMDB: options.sumdb ?? 'off',
    ...options.env,
  }

  function run(
    args: readonly string[],
    { cwd = folder, env = {} }: { cwd?: string; env?: Record<string, string> } = {},
  ): Promise<GoResult> {
    const started = performance.now()
    const prefix = options.cpus === undefined ? [] : ['taskset', '-c', options.cpus]
    const [file = '', ...rest] = [...prefix, 'go', ...args]
    const child = spawn(file, rest, {
      cwd,
      env: { ...base, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: DEADLINE_MS,
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code) =>
        resolve({ code: code ?? -1, stdout, stderr, took: performance.now() - started }),
      )
    })
  }

  return {
    folder,
    modCache,
    run,
    async ok(args, given) {
      const { code, stdout, stderr } = await run(args, given)
      if (code !== 0) throw new Error(`go ${args.join(' ')} ended with ${code}:\n${stderr}`)
      return stdout
    },
    async project(files = {}) {
      const project = await mkdtemp(join(folder, 'project-'))
      const all = { 'go.mod': 'module example.com/app\n\ngo 1.21\n', ...files }
      for (const [name, text] of Object.entries(all)) await writeFile(join(project, name), text)
      return project
    },
    close: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  }
}
