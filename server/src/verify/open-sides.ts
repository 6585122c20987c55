import { join } from 'node:path'
import { createViaId } from '../origin/loop.ts'
import { createOutside } from '../origin/outside.ts'
import type { Observer } from '../observe/observer.ts'
import { type Database, openDatabase } from './database.ts'
import { type OpenProxy, openProxy } from './outward.ts'
import type { GoMachine, VerifySettings } from './settings.ts'

/** Whoever is asked over the network. */
export interface Sides {
  database?: Database
  /** Whose files are compared. */
  proxy?: { open: OpenProxy; always: boolean; trusted: boolean }
  close(): Promise<void>
}

/** Throws `config_invalid` for addresses and credentials that cannot be used. */
export function openSides(settings: VerifySettings, { env }: GoMachine, observer: Observer): Sides {
  const { cache, heads, database, privacy, to, proxies, compared, offline, netrc } = settings
  const urls = [...proxies, ...(to ? [to] : [])].map(({ url }) => url)
  if (database !== undefined) urls.push(database.url ?? `https://${database.name}`)
  const outside = createOutside({ observer, via: createViaId(), env, urls })
  const opened = new Map<string, OpenProxy>()
  const open = (proxy: (typeof proxies)[number]): OpenProxy => {
    const known = opened.get(proxy.url) ?? openProxy(proxy, outside, netrc)
    opened.set(proxy.url, known)
    return known
  }
  const asked =
    database &&
    openDatabase({
      database,
      privacy,
      trusted: to ? [open(to).records] : [],
      proxies: proxies.map((proxy) => open(proxy).records),
      kept: {
        records: join(cache, 'cache', 'download', 'sumdb', database.name),
        head: join(heads, database.name, 'latest'),
      },
      ...(offline !== undefined && { offline }),
      outside,
    })
  return {
    ...(asked && { database: asked }),
    ...(compared && { proxy: { ...compared, open: open(compared.proxy) } }),
    async close() {
      await asked?.close()
      await Promise.all(
        Array.from(opened.values(), ({ records, stored }) => Promise.all([records.close(), stored.close()])),
      )
    },
  }
}
