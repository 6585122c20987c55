import { styleText } from 'node:util'
import { goproxyUrl, parseListenAddress } from '../config/address.ts'
import { assignment, clientNotes, clientSettings } from '../config/client-settings.ts'
import type { Config, RouteConfig } from '../config/config.ts'
import { TENANTS_PATH } from '../config/fixed-paths.ts'
import { formatOriginList } from '../config/origin-list.ts'

/** What is said at the start: on a terminal as text, elsewhere as the fields of one log line. */
export interface StartFacts {
  version: string
  addresses: readonly string[]
  /** What clients set as GOPROXY; absent when only sockets are listened on and there is no `publicUrl`. */
  goproxy?: string
  dataDir: string
  /** The list of each route, URLs for names, the route for everything last. */
  routes: { modules: readonly string[]; from: string; private: boolean }[]
  /** Names of checksum databases. */
  sumdb: readonly string[]
  /** Names of the tenants, and what their clients set as GOPROXY; absent where there are none. */
  tenants?: readonly { name: string; goproxy?: string }[]
  sources: readonly string[]
  /** `go env -w` lines that clients need, in order. */
  goEnv: readonly string[]
  /** What to know of these, each a sentence. */
  notes?: readonly string[]
}

/** Collects what is said at the start. `addresses` are those of the running server. */
export function startFacts(options: {
  config: Config
  addresses: readonly string[]
  sources: readonly string[]
  version: string
}): StartFacts {
  const { config, addresses, sources, version } = options
  const bound = addresses.flatMap((address) => parseListenAddress(address.replace(/^https?:\/\//, '')) ?? [])
  const goproxy = goproxyUrl(config, bound)
  const settings = goproxy === undefined ? [] : clientSettings(config, goproxy)
  const notes = clientNotes(settings)
  return {
    version,
    addresses,
    ...(goproxy !== undefined && { goproxy }),
    dataDir: config.dataDir,
    routes: config.routes.map((route) => ({
      modules: route.modules,
      from: formatOriginList(withUrls(route, config)),
      private: route.private,
    })),
    sumdb: [
      ...(config.checksumLog ? [`${config.checksumLog.name} (our own)`] : []),
      ...config.sumdb.map((database) => database.name),
    ],
    ...(config.tenants.length > 0 && {
      tenants: config.tenants.map(({ name, site }) => {
        const address = site.publicUrl ?? (goproxy === undefined ? undefined : goproxy + TENANTS_PATH + name)
        return { name, ...(address !== undefined && { goproxy: address }) }
      }),
    }),
    sources,
    goEnv: settings.map((setting) => `go env -w ${assignment(setting)}`),
    ...(notes.length > 0 && { notes }),
  }
}

/** The text for a terminal, with an empty line before and after. */
export function formatBanner(facts: StartFacts, { colour }: { colour: boolean }): string {
  const paint = (style: 'bold' | 'dim' | 'cyan', text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text
  const routes = facts.routes.map(({ modules, from, private: isPrivate }) =>
    modules.includes('*') ? from : `${modules.join(', ')}${isPrivate ? ' (private)' : ''}: ${from}`,
  )
  const rows: [name: string, values: readonly string[]][] = [
    ['origins', routes],
    ['checksums', [facts.sumdb.join(', ') || 'off: modules are not proven']],
    ['tenants', (facts.tenants ?? []).map(({ name, goproxy }) => (goproxy ? `${name}: ${goproxy}` : name))],
    ['data', [facts.dataDir]],
    ['settings', [facts.sources.join(', ') || 'defaults']],
  ]
  const table = rows.flatMap(([name, values]) =>
    values.map((value, index) => `  ${paint('dim', (index === 0 ? name : '').padEnd(11))}${value}`),
  )
  const where = facts.addresses.map((address) => paint('bold', address)).join(' and ')
  const use =
    facts.goEnv.length === 0
      ? ['Set publicUrl so that clients have an address: a socket has none.']
      : [
          'Let go use it:',
          '',
          ...facts.goEnv.map((line) => `  ${paint('cyan', line)}`),
          ...(facts.notes ?? []).flatMap((note) => ['', `${note}.`]),
        ]
  return ['', `modstead ${facts.version} listens on ${where}`, '', ...table, '', ...use, '', ''].join('\n')
}

/** The origin list with URLs for names: they say more to whoever reads the banner. */
function withUrls(route: RouteConfig, { origins }: Config): RouteConfig['from'] {
  return route.from.map((entry) => {
    const origin = origins.get(entry.origin)
    return { ...entry, origin: origin?.type === 'goproxy' ? origin.url : entry.origin }
  })
}
