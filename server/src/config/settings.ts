import { didYouMean } from './nearest.ts'

/** Flags of a command as they were typed; absent where they were not. */
export interface Flags {
  config?: string
  listen?: string
  publicUrl?: string
  pathPrefix?: string
  dataDir?: string
  memory?: string
  upstream?: string
  logLevel?: string
  logFormat?: string
  logRequests?: string
  shutdownGrace?: string
}

export type Environment = Readonly<Record<string, string | undefined>>

/** A key that a flag and an environment variable can set as well. */
export interface Setting {
  /** Where it stands in the file; absent for what no file can say. */
  path?: readonly string[]
  flag: keyof Flags
  variable: string
  /** What its text is turned into before the schema sees it; default: it stays a text. */
  kind?: 'boolean' | 'path'
}

/** Every setting outside the file. The command line, the reference page and the loader all read this list. */
export const SETTINGS: readonly Setting[] = [
  { flag: 'config', variable: 'MODSTEAD_CONFIG' },
  { path: ['listen'], flag: 'listen', variable: 'MODSTEAD_LISTEN' },
  { path: ['publicUrl'], flag: 'publicUrl', variable: 'MODSTEAD_PUBLIC_URL' },
  { path: ['pathPrefix'], flag: 'pathPrefix', variable: 'MODSTEAD_PATH_PREFIX' },
  { path: ['dataDir'], flag: 'dataDir', variable: 'MODSTEAD_DATA_DIR' },
  { path: ['memory'], flag: 'memory', variable: 'MODSTEAD_MEMORY' },
  { flag: 'upstream', variable: 'MODSTEAD_UPSTREAM' },
  { path: ['log', 'level'], flag: 'logLevel', variable: 'MODSTEAD_LOG_LEVEL' },
  { path: ['log', 'format'], flag: 'logFormat', variable: 'MODSTEAD_LOG_FORMAT' },
  { path: ['log', 'requests'], flag: 'logRequests', variable: 'MODSTEAD_LOG_REQUESTS', kind: 'boolean' },
  { path: ['shutdownGrace'], flag: 'shutdownGrace', variable: 'MODSTEAD_SHUTDOWN_GRACE' },
]

/** What `publish` and `delete` read their token from: no setting of the server. */
export const TOKEN_VARIABLE = 'MODSTEAD_TOKEN'

/** A setting that is set outside the file. */
export interface Override {
  setting: Setting
  /** `--listen` or `MODSTEAD_LISTEN`. */
  label: string
  text: string
}

/** `dataDir` as it is typed: `--data-dir`. */
export function flagName(flag: keyof Flags): string {
  return `--${flag.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** What flags and the environment set; a flag wins over the variable, and an empty variable counts as not set. */
export function readOverrides(flags: Flags, env: Environment): Override[] {
  return SETTINGS.flatMap((setting) => {
    const flag = flags[setting.flag]
    if (flag !== undefined) return [{ setting, label: flagName(setting.flag), text: flag }]
    const text = env[setting.variable]
    return text ? [{ setting, label: setting.variable, text }] : []
  })
}

/**
 * A sentence for each `MODSTEAD_…` variable that means nothing, for it is most likely misspelt. Those that Kubernetes
 * and Docker set for a service named modstead are passed over.
 */
export function unknownVariables(env: Environment): string[] {
  const known = [...SETTINGS.map((setting) => setting.variable), TOKEN_VARIABLE]
  return Object.keys(env)
    .filter((name) => name.startsWith('MODSTEAD_') && !known.includes(name))
    .filter(
      (name) => !/^MODSTEAD_(SERVICE_(HOST|PORT)|PORT|NAME|ENV_|TEST_)|_PORT(_\d+_(TCP|UDP))?/.test(name),
    )
    .map((name) => `the environment variable ${name} is not known${didYouMean(name, known)}`)
}
