/**
 * Which tenant's site a request is for.
 *
 *     Host: go.acme.example            the tenant whose host it is; everything there is within its site
 *     PREFIX/t/acme/…                  the tenant acme, at every other host
 *     /.well-known/…PREFIX/t/acme      the same, for what is asked for in this form
 *     everything else                  the site that is nobody's in particular
 *
 * Both ways lead to the same place: behind this file a request for a tenant looks as if it had come to a server of its
 * own, at whose root the tenant is. Only what is spelt exactly so is a way in: a percent-encoded `/t/` or name is a
 * path like any other, and such a module path there cannot be.
 */
import type { IncomingMessage } from 'node:http'
import { TENANTS_PATH } from '../config/fixed-paths.ts'
import type { Config } from '../config/config.ts'
import { createMemory } from './memory.ts'
import { addressFor, nameOfHost } from './request-host.ts'
import { forwardedOf } from './sender.ts'
import { createSite, type Site, type SiteOptions, type SiteSurroundings } from './site.ts'

/** What a tenant's site is made of, and the ways to it. */
export interface TenantSite extends SiteOptions {
  name: string
  /** Host names without ports, in lower case; may be empty. */
  hosts: readonly string[]
}

export interface SitesOptions {
  /** The site that is nobody's in particular. */
  root: SiteOptions
  tenants: readonly TenantSite[]
  server: Pick<Config, 'publicUrl' | 'pathPrefix' | 'memory'>
  /** The address of the server below a path prefix, where a request does not tell it. */
  fallbackAddress: (prefix: string) => string
  shared: Omit<SiteSurroundings, 'tenant' | 'memory' | 'addressFor'>
}

export interface Sites {
  readonly all: readonly Site[]
  /**
   * The site of a request, whose target is then that within the site. To be called once for each request; it runs
   * before memory is looked into.
   */
  enter(req: IncomingMessage): Site
}

/** Host headers whose site is remembered, at most: whatever clients make up, it is soon forgotten. */
const MOST_HOSTS = 1_000

/**
 * Makes the sites. Each has an equal part of the memory to itself, so that no tenant can drive out what another is
 * being given.
 */
export function createSites({ root, tenants, server, fallbackAddress, shared }: SitesOptions): Sites {
  const bound = Math.floor(server.memory / (tenants.length + 1))
  const { publicUrl } = server
  const serverAddress = (req: IncomingMessage, prefix: string): string =>
    addressFor(req, { publicUrl, prefix, fallbackAddress: () => fallbackAddress(prefix) })
  const rootSite = createSite(root, {
    ...shared,
    memory: createMemory({ bound }),
    addressFor: (req) => serverAddress(req, server.pathPrefix),
  })
  if (tenants.length === 0) return { all: [rootSite], enter: () => rootSite }

  const start = server.pathPrefix + TENANTS_PATH
  const byName = new Map<string, Site>()
  const byHost = new Map<string, Site>()
  for (const { name, hosts, ...options } of tenants) {
    const site = createSite(options, {
      ...shared,
      tenant: name,
      memory: createMemory({ bound }),
      addressFor: (req) =>
        siteOfHost(req, req.headers.host) === undefined
          ? serverAddress(req, start + name)
          : addressFor(req, {
              publicUrl: undefined,
              prefix: '',
              secure: publicUrl?.startsWith('https:'),
              fallbackAddress: () => fallbackAddress(start + name),
            }),
    })
    byName.set(name, site)
    for (const host of hosts) byHost.set(host, site)
  }
  const known = new Map<string, Site | undefined>()

  /** By the name that was asked for, as a trusted proxy tells it where one does. */
  function siteOfHost(req: IncomingMessage, host: string | undefined): Site | undefined {
    if (byHost.size === 0) return undefined
    const header = forwardedOf(req)?.host ?? host
    if (header === undefined) return undefined
    const site = known.get(header)
    if (site !== undefined || known.has(header)) return site
    if (known.size >= MOST_HOSTS) known.clear()
    const found = byHost.get(nameOfHost(header) ?? '')
    known.set(header, found)
    return found
  }

  /** What is told at a well-known address is told with the path of the site behind it (RFC 8414, section 3.1). */
  function siteOfWellKnown(req: IncomingMessage, from: number): Site | undefined {
    const url = req.url!
    if (!url.startsWith(WELL_KNOWN, from)) return undefined
    const at = url.indexOf(start, from)
    const site = at < 0 ? undefined : byName.get(url.slice(at + start.length))
    if (site !== undefined) req.url = url.slice(0, at)
    return site
  }

  /** The site that a path leads to. What stands behind `from` is then the path within the site. */
  function siteOfPath(req: IncomingMessage, from: number): Site | undefined {
    const url = req.url!
    if (!url.startsWith(start, from)) return siteOfWellKnown(req, from)
    const at = from + start.length
    const slash = url.indexOf('/', at)
    const end = slash < 0 ? endOfPath(url, at) : slash
    const site = byName.get(url.slice(at, end))
    if (site === undefined) return undefined
    const rest = slash < 0 ? `/${url.slice(end)}` : url.slice(end)
    req.url = from === 0 ? rest : url.slice(0, from) + rest
    return site
  }

  return {
    all: [rootSite, ...byName.values()],
    enter(req) {
      if (req.url!.charCodeAt(0) === SLASH)
        return siteOfHost(req, req.headers.host) ?? siteOfPath(req, 0) ?? rootSite
      // In absolute form the host of the target is the one that counts (RFC 9112, section 3.2.2).
      const [authority, host] = /^https?:\/\/(?:[^/?@]*@)?([^/?]*)/i.exec(req.url!) ?? []
      if (authority === undefined) return rootSite
      return siteOfHost(req, host) ?? siteOfPath(req, authority.length) ?? rootSite
    },
  }
}

const SLASH = 0x2f
const WELL_KNOWN = '/.well-known/'

function endOfPath(url: string, from: number): number {
  const query = url.indexOf('?', from)
  return query < 0 ? url.length : query
}
