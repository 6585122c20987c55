/** The proxies that can be asked, opened as `go` would reach them. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { OriginCredentials } from '../config/config.ts'
import { parseProxyUrl, splitProxyList, type ProxyUrl } from '../config/goproxy-list.ts'
import { proxyOriginAt } from '../config/origins.ts'
import type { Environment } from '../config/settings.ts'
import { ModsteadError } from '../errors.ts'
import { createDiskTree } from '../origin/disk-tree.ts'
import type { FileTree } from '../origin/file-tree.ts'
import { createHttpTree } from '../origin/http-tree.ts'
import type { Outside } from '../origin/outside.ts'

/** A module proxy. */
export interface OpenProxy {
  /** As it is printed: without credentials. */
  url: string
  /** For records of checksum databases. */
  records: FileTree
  /** For modules: a modstead, or another proxy that knows the header, gives what it has stored and fetches nothing. */
  stored: FileTree
}

/** What all requests of a run share. Milliseconds and numbers. */
export const LIMITS = {
  timeouts: { lookup: 10_000, connect: 15_000, tls: 10_000, headers: 30_000, idle: 30_000, total: 120_000 },
  connections: 8,
  tries: 2,
}
/** A zip of 500 MiB takes its time. Milliseconds. */
const ZIP_TOTAL = 1_800_000

/**
 * The proxies of a GOPROXY list, in its order; `direct` is none. `off` is told apart, since nothing may be asked then.
 * Throws `config_invalid` for what is no list.
 */
export function readProxyList(list: string): { proxies: ProxyUrl[]; off: boolean } {
  const entries = splitProxyList(list)
  const proxies = entries
    .filter(({ text }) => text !== 'direct' && text !== 'off' && text !== 'noproxy')
    .map(({ text }) => {
      const parsed = parseProxyUrl(text)
      if (typeof parsed !== 'string') return parsed
      throw new ModsteadError('config_invalid', `GOPROXY has an entry that is not ${parsed}`, {
        next: 'see `go env GOPROXY`, and `go help goproxy`',
      })
    })
  return { proxies, off: entries[0]?.text === 'off' }
}

/** Opens a proxy. Credentials come from its URL or from `netrc`, a file. */
export function openProxy({ url, credentials }: ProxyUrl, outside: Outside, netrc?: string): OpenProxy {
  const role = { kind: 'origin', name: proxyOriginAt(url).name } as const
  const parsed = new URL(url)
  if (parsed.protocol === 'file:') {
    const tree = createDiskTree({ role, url: parsed, timeouts: LIMITS.timeouts })
    return { url, records: tree, stored: tree }
  }
  const shown: OriginCredentials | undefined =
    credentials ??
    (netrc === undefined || parsed.protocol !== 'https:' ? undefined : { kind: 'netrc', file: netrc })
  const common = { ...LIMITS, role, url: parsed, outside, ...(shown && { credentials: shown }) }
  return {
    url,
    records: createHttpTree(common),
    stored: createHttpTree({
      ...common,
      timeouts: { ...LIMITS.timeouts, total: ZIP_TOTAL },
      headers: { 'disable-module-fetch': 'true' },
    }),
  }
}

/** The netrc file that `go` reads, if there is one. */
export async function findNetrc({
  env,
  home,
  platform,
}: {
  env: Environment
  home: string
  platform: NodeJS.Platform
}): Promise<string | undefined> {
  const file = env.NETRC || (home && join(home, platform === 'win32' ? '_netrc' : '.netrc'))
  if (!file) return undefined
  try {
    await access(file)
    return file
  } catch {
    // Most machines have none, and `go` passes over one that it may not read.
    return undefined
  }
}

/** The address in `--to`. Throws `config_invalid`; what it says never repeats the address, which may hold a secret. */
export function readAddress(to: string): ProxyUrl {
  const parsed = parseProxyUrl(to)
  if (typeof parsed === 'string')
    throw new ModsteadError('config_invalid', `--to: expected ${parsed}`, {
      next: 'write it as in --to https://go.corp.example',
    })
  // Everyone on the machine can read the arguments of a process.
  if (parsed.credentials !== undefined)
    throw new ModsteadError('config_invalid', '--to: a password does not belong into the address', {
      next: 'put it into your netrc file, as for `go`',
    })
  return parsed
}
