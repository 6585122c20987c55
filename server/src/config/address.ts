import type { Config, ListenAddress } from './config.ts'

const DEFAULT_HOST = '127.0.0.1'

/**
 * Reads `127.0.0.1:6637`, `[::1]:6637`, `localhost:6637`, a port alone (on 127.0.0.1), `:6637` (every address of the
 * machine: `host` is empty), or `unix:/run/modstead.sock`. Port 0 asks the system for a free one. Gives undefined for
 * anything else.
 */
export function parseListenAddress(text: string): ListenAddress | undefined {
  if (text.startsWith('unix:')) {
    const socket = text.slice('unix:'.length).replace(/^\/\/(?=\/)/, '')
    return socket === '' ? undefined : { socket }
  }
  const [, bracketed, plain, digits] =
    /^(?:(?:\[([0-9A-Fa-f:.%]+)\]|([^:[\]\s/]*)):)?(\d{1,5})$/.exec(text) ?? []
  if (digits === undefined || Number(digits) > 65_535) return undefined
  return { host: bracketed ?? plain ?? DEFAULT_HOST, port: Number(digits) }
}

/** What `parseListenAddress` reads back as the same address. */
export function formatListenAddress(address: ListenAddress): string {
  if ('socket' in address) return `unix:${address.socket}`
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}

/**
 * What clients set as GOPROXY: `publicUrl`, or else the first TCP address, with the path prefix. `addresses` are those
 * really bound, where port 0 was asked for. Undefined when only sockets are listened on and no `publicUrl` is set.
 * An address that stands for all of the machine's is shown as `localhost`.
 */
export function goproxyUrl(
  config: Pick<Config, 'publicUrl' | 'pathPrefix' | 'tls'>,
  addresses: readonly ListenAddress[],
): string | undefined {
  if (config.publicUrl !== undefined) return config.publicUrl + config.pathPrefix
  const address = addresses.find((address) => 'port' in address)
  if (address === undefined) return undefined
  const host = ['', '::', '0.0.0.0'].includes(address.host) ? 'localhost' : address.host
  const scheme = config.tls === undefined ? 'http' : 'https'
  return `${scheme}://${formatListenAddress({ host, port: address.port })}${config.pathPrefix}`
}
