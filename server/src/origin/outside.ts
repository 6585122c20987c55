import type { Observer } from '../observe/observer.ts'
import type { Lookup } from './dial.ts'
import { readProxyEnvironment, type ProxyEnvironment } from './proxy-environment.ts'

/** What all origins share of the way to the outside. */
export interface Outside {
  observer: Observer
  /** Our id in the header that stops loops: `createViaId`. */
  via: string
  proxies: ProxyEnvironment
  /**
   * Hosts that the configuration names, with their ports where those are not the usual ones: redirects may lead to
   * them whatever their addresses are.
   */
  configuredHosts: ReadonlySet<string>
  /** How names are looked up; absent: as the system does. */
  lookup?: Lookup
}

/** `urls` are those of all origins and checksum databases; `env` is where the proxy variables are read. */
export function createOutside(options: {
  observer: Observer
  via: string
  env: Readonly<Record<string, string | undefined>>
  urls: Iterable<string>
}): Outside {
  const { observer, via, env, urls } = options
  const hosts = Array.from(urls, (url) => URL.parse(url)?.host ?? '').filter((host) => host !== '')
  return { observer, via, proxies: readProxyEnvironment(env), configuredHosts: new Set(hosts) }
}
