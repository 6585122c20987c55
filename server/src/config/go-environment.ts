/**
 * What `go` on this machine is set up to do, read as cmd/go reads it (cmd/go/internal/cfg) but without running it:
 * the process environment, then the file that `go env -w` writes, then go's own defaults. An empty value is not set.
 */
import { join } from 'node:path'
import type { Environment } from './settings.ts'

const NAMES = ['GOPROXY', 'GOPRIVATE', 'GONOPROXY', 'GONOSUMDB', 'GOSUMDB'] as const

type Name = (typeof NAMES)[number]

export interface GoSetting {
  value: string
  /** `environment`, `go env file FILE` or `default`. */
  source: string
}

export type GoEnvironment = Readonly<Record<Exclude<Name, 'GOPRIVATE'>, GoSetting>>

export interface GoEnvironmentOptions {
  env: Environment
  /** The user's home folder. */
  home: string
  platform: NodeJS.Platform
  readFile: (path: string) => Promise<string>
}

/**
 * Reads the settings that say where modules come from and what proves them. GONOPROXY and GONOSUMDB default to
 * GOPRIVATE. A file that cannot be read counts as empty, as for `go`.
 */
export async function readGoEnvironment(options: GoEnvironmentOptions): Promise<GoEnvironment> {
  const set = await readGoSettings(NAMES, options)
  const goPrivate = set.GOPRIVATE ?? { value: '', source: 'default' }
  return {
    GOPROXY: set.GOPROXY ?? { value: 'https://proxy.golang.org,direct', source: 'default' },
    GOSUMDB: set.GOSUMDB ?? { value: 'sum.golang.org', source: 'default' },
    GONOPROXY: set.GONOPROXY ?? goPrivate,
    GONOSUMDB: set.GONOSUMDB ?? goPrivate,
  }
}

/** Where `go` keeps what it downloads. Absolute as `go` demands it; empty where neither they nor a home are known. */
export interface GoFolders {
  /** The module cache. */
  GOMODCACHE: GoSetting
  /** The first folder of GOPATH: below it lie the heads of checksum databases, in `pkg/sumdb`. */
  GOPATH: GoSetting
}

/** GOPATH defaults to `go` in the home folder, GOMODCACHE to `pkg/mod` in the first folder of GOPATH. */
export async function readGoFolders(options: GoEnvironmentOptions): Promise<GoFolders> {
  const { home, platform } = options
  const set = await readGoSettings(['GOPATH', 'GOMODCACHE'], options)
  const paths = set.GOPATH?.value ?? (home === '' ? '' : join(home, 'go'))
  const first = paths.split(platform === 'win32' ? ';' : ':')[0]!
  const source = set.GOPATH?.source ?? 'default'
  const cache = { value: first === '' ? '' : join(first, 'pkg', 'mod'), source }
  return { GOMODCACHE: set.GOMODCACHE ?? cache, GOPATH: { value: first, source } }
}

/** Each of `names` that is set, with the value that `go` would use. */
export async function readGoSettings<Names extends string>(
  names: readonly Names[],
  options: GoEnvironmentOptions,
): Promise<Partial<Record<Names, GoSetting>>> {
  const file = goEnvFile(options)
  const fromFile =
    file === undefined ? new Map<string, string>() : parseGoEnvFile(await contents(file, options))
  const found: Partial<Record<Names, GoSetting>> = {}
  for (const name of names) {
    const fromProcess = options.env[name]
    const written = fromFile.get(name)
    if (fromProcess) found[name] = { value: fromProcess, source: 'environment' }
    else if (written) found[name] = { value: written, source: `go env file ${file}` }
  }
  return found
}

/** The file `go env -w` writes: GOENV, or `go/env` in the user's folder for configuration; undefined for GOENV=off. */
export function goEnvFile(options: Omit<GoEnvironmentOptions, 'readFile'>): string | undefined {
  const { env, home, platform } = options
  if (env.GOENV) return env.GOENV === 'off' ? undefined : env.GOENV
  const folder = {
    win32: env.AppData ?? env.APPDATA,
    darwin: home && join(home, 'Library', 'Application Support'),
    other: env.XDG_CONFIG_HOME || (home && join(home, '.config')),
  }[platform === 'win32' || platform === 'darwin' ? platform : 'other']
  return folder ? join(folder, 'go', 'env') : undefined
}

/** Lines `NAME=value`; the value is everything after the first `=`, the last line of a name wins, others are skipped. */
export function parseGoEnvFile(text: string): Map<string, string> {
  const values = new Map<string, string>()
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=')
    if (equals > 0 && /^[A-Z]/.test(line)) values.set(line.slice(0, equals), line.slice(equals + 1))
  }
  return values
}

async function contents(file: string, options: GoEnvironmentOptions): Promise<string> {
  try {
    return await options.readFile(file)
  } catch {
    // cmd/go passes over a file it cannot read, and most machines have none.
    return ''
  }
}
