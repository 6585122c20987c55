/** Two guards against a modstead that asks itself: one over the configuration, one over the requests. */
import { randomBytes } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import { domainToASCII } from 'node:url'
import type { Config, OriginConfig } from '../config/config.ts'
import type { Logger } from '../observe/observer.ts'
import { hostOf } from './proxy-environment.ts'
import { isLoopbackAddress } from './public-address.ts'

/** The header in which each modstead that a request passed has left its id. */
export const VIA_HEADER = 'modstead-via'

/** More modsteads in a row than anyone would chain on purpose. */
const MOST_HOPS = 8

/** An id for this process: random, so that it says nothing about where it runs. */
export function createViaId(): string {
  return randomBytes(8).toString('hex')
}

/** The header for a request made on behalf of one that came with `incoming`. */
export function viaHeader(incoming: string | undefined, id: string): string {
  return incoming === undefined || incoming === '' ? id : `${incoming}, ${id}`
}

/** Whether a request with this `Modstead-Via` header has been here before, or has come too long a way: answer 508. */
export function isLoop(header: string | undefined, id: string): boolean {
  if (header === undefined) return false
  const hops = header.split(',', MOST_HOPS + 1).map((hop) => hop.trim())
  return hops.length > MOST_HOPS || hops.includes(id)
}

export type OurAddresses = Pick<Config, 'listen' | 'publicUrl' | 'pathPrefix'>

/**
 * Whether `url` leads to this server: to a port it listens on, by whatever name of this machine, or below its public
 * URL. `local` are the addresses of this machine; by default those of its network interfaces.
 */
export function isOurselves(
  url: string,
  ours: OurAddresses,
  local: readonly string[] = localAddresses(),
): boolean {
  const target = URL.parse(url)
  if (target === null || (target.protocol !== 'http:' && target.protocol !== 'https:')) return false
  const host = hostOf(target)
  const port = Number(target.port || (target.protocol === 'https:' ? 443 : 80))
  const listens = ours.listen.some((address) => {
    if ('socket' in address || address.port !== port) return false
    if (isWildcard(address.host)) return isThisMachine(host) || local.includes(host)
    return sameHost(address.host, host)
  })
  return listens || isBelow(target, ours)
}

/** The origins that are not ourselves, in the same order. Those dropped are named in a warning. */
export function withoutOurselves(
  origins: ReadonlyMap<string, OriginConfig>,
  ours: OurAddresses,
  log: Logger,
): Map<string, OriginConfig> {
  const local = localAddresses()
  const others = new Map<string, OriginConfig>()
  for (const [name, origin] of origins) {
    if (origin.type === 'goproxy' && isOurselves(origin.url, ours, local)) {
      log.warn({ origin: name }, `origin ${name} is this modstead itself and is not asked`)
    } else {
      others.set(name, origin)
    }
  }
  return others
}

function isBelow(target: URL, ours: OurAddresses): boolean {
  const base = ours.publicUrl === undefined ? null : URL.parse(ours.publicUrl)
  if (base === null || base.host !== target.host) return false
  const path = base.pathname.replace(/\/$/, '')
  const root = path.endsWith(ours.pathPrefix) ? path : `${path}${ours.pathPrefix}`
  return `${target.pathname.replace(/\/$/, '')}/`.startsWith(`${root}/`)
}

function sameHost(listen: string, host: string): boolean {
  const name = domainToASCII(listen.replace(/^\[(.*)\]$/, '$1')) || listen.toLowerCase()
  return name === host || (isThisMachine(name) && isThisMachine(host))
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || isWildcard(host) || isLoopbackAddress(host)
}

function isWildcard(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::' || host === '[::]'
}

function localAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).map(({ address }) => address),
  )
}
