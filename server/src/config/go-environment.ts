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
  const file = goEnvFile(options)
  const fromFile =
    file === undefined ? new Map<string, string>() : parseGoEnvFile(await contents(file, options))
  const read = (name: Name, fallback: GoSetting): GoSetting => {
    const fromProcess = options.env[name]
    if (fromProcess) return { value: fromProcess, source: 'environment' }
    const written = fromFile.get(name)
    return written ? { value: written, source: `go env file ${file}` } : fallback
  }
  const unset: GoSetting = { value: '', source: 'default' }
  const goPrivate = read('GOPRIVATE', unset)
  return {
    GOPROXY: read('GOPROXY', { value: 'https://proxy.golang.org,direct', source: 'default' }),
    GOSUMDB: read('GOSUMDB', { value: 'sum.golang.org', source: 'default' }),
    GONOPROXY: read('GONOPROXY', goPrivate),
    GONOSUMDB: read('GONOSUMDB', goPrivate),
  }
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
