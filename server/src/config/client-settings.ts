import { compilePatterns } from '@modstead/gomod/pattern'
import { clientModulePaths } from './client-module.ts'
import type { Config, RouteConfig } from './config.ts'

/** What a client sets with `go env -w` or in its environment. */
export interface ClientSetting {
  name: 'GOPROXY' | 'GOSUMDB' | 'GONOSUMDB'
  value: string
  /** What to know of it: a sentence. */
  note?: string
}

/** What of the configuration they depend on. */
export type SettingsConfig = Pick<Config, 'routes' | 'sumdb' | 'checksumLog' | 'publicUrl'> & {
  /** Only whether it is there counts. */
  access?: object
}

/**
 * What `go` needs to use this modstead at `goproxy`: GOPROXY; GOSUMDB where ours is not the one `go` knows; GONOSUMDB for
 * what no public checksum database may be asked about, because `go` asks before modstead could stop it: where people sign
 * in, the helper that they install for it is of that kind. A log of our own proves all but what is left out of it.
 */
export function clientSettings(config: SettingsConfig, goproxy: string): ClientSetting[] {
  const settings: ClientSetting[] = [{ name: 'GOPROXY', value: goproxy }]
  if (config.checksumLog !== undefined) {
    const unlogged = patternsOf(config.routes.filter((route) => route.log === false))
    return [
      ...settings,
      { name: 'GOSUMDB', value: config.checksumLog.verifierKey },
      { name: 'GONOSUMDB', value: unlogged, note: NO_GOPRIVATE },
    ]
  }
  const [database] = config.sumdb
  if (database && database.name !== 'sum.golang.org') settings.push({ name: 'GOSUMDB', value: database.key })
  const unproven = config.routes.filter((route) => route.private || route.checksum === 'off')
  const [helper] = clientModulePaths(config.publicUrl)
  const given = patternsOf(unproven)
  const isMissing = config.access !== undefined && !compilePatterns(given).matches(helper)
  const patterns = isMissing ? [given, helper].filter((text) => text !== '').join(',') : given
  if (patterns !== '') settings.push({ name: 'GONOSUMDB', value: patterns })
  return settings
}

/** `go` takes an empty GONOSUMDB for one that is not set, and GOPRIVATE instead. */
const NO_GOPRIVATE =
  'GOPRIVATE must not be set (go env GOPRIVATE): go fetches what it matches past this server, and unproven'

/** All but `*`, as GONOSUMDB has them. */
function patternsOf(routes: readonly RouteConfig[]): string {
  const patterns = new Set(routes.flatMap((route) => route.modules))
  patterns.delete('*')
  return [...patterns].join(',')
}

/** The notes of settings, each once. */
export function clientNotes(settings: readonly ClientSetting[]): string[] {
  return [...new Set(settings.flatMap(({ note }) => note ?? []))]
}

/** `NAME=value` for a shell: quoted where that would otherwise change it. */
export function assignment({ name, value }: ClientSetting): string {
  const text = `${name}=${value}`
  return /^[\w:/.,=@%+-]+$/.test(text) ? text : `"${text}"`
}
