import type { Config } from './config.ts'

/** What a client sets with `go env -w` or in its environment. */
export interface ClientSetting {
  name: 'GOPROXY' | 'GOSUMDB' | 'GONOSUMDB'
  value: string
}

/**
 * What `go` needs to use this modstead at `goproxy`: GOPROXY; GOSUMDB where ours is not the one `go` knows; GONOSUMDB for
 * what no public checksum database may be asked about, because `go` asks before modstead could stop it.
 */
export function clientSettings(config: Pick<Config, 'routes' | 'sumdb'>, goproxy: string): ClientSetting[] {
  const settings: ClientSetting[] = [{ name: 'GOPROXY', value: goproxy }]
  const [database] = config.sumdb
  if (database && database.name !== 'sum.golang.org') settings.push({ name: 'GOSUMDB', value: database.key })
  const unproven = config.routes.filter((route) => route.private || route.checksum === 'off')
  const patterns = [...new Set(unproven.flatMap((route) => route.modules))].filter(
    (pattern) => pattern !== '*',
  )
  if (patterns.length > 0) settings.push({ name: 'GONOSUMDB', value: patterns.join(',') })
  return settings
}

/** `NAME=value` for a shell: quoted where that would otherwise change it. */
export function assignment({ name, value }: ClientSetting): string {
  const text = `${name}=${value}`
  return /^[\w:/.,=@%+-]+$/.test(text) ? text : `"${text}"`
}
