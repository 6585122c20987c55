import { isIP } from 'node:net'
import type { Network, TrustedProxies } from './config.ts'
import { type BuildContext, complain, shown } from './context.ts'
import { choice, flag, texts } from './fields.ts'

export const trustedProxiesSchema = texts(
  'an address such as 10.0.0.7, a network such as 10.0.0.0/8, or "unix"',
)

export const forwardedHeaderSchema = choice(['x-forwarded-for', 'forwarded'])

export const forwardedHostSchema = flag()

/** What the file says, if anything. */
export interface FileTrustedProxies {
  trustedProxies?: readonly string[] | undefined
  forwardedHeader?: TrustedProxies['header'] | undefined
  forwardedHost?: boolean | undefined
}

/**
 * Whom the address of a client is believed from. Undefined where nobody is named: then headers that claim one mean
 * nothing.
 */
export function buildTrustedProxies(
  context: BuildContext,
  { trustedProxies: given, forwardedHeader: header, forwardedHost = false }: FileTrustedProxies,
): TrustedProxies | undefined {
  if (given === undefined) {
    if (header !== undefined)
      context.warn('forwardedHeader does nothing without trustedProxies: no header is believed')
    if (forwardedHost)
      complain(context, ['forwardedHost'], 'needs trustedProxies: without them no header is believed')
    return undefined
  }
  if (forwardedHost && header === 'forwarded')
    context.warn(
      'forwardedHost does nothing with forwardedHeader: forwarded, which says host and scheme itself',
    )
  const networks: Network[] = []
  let unix = false
  for (const [index, text] of given.entries()) {
    const at = ['trustedProxies', index]
    const network = parseNetwork(text)
    if (text === 'unix') unix = true
    else if (network === undefined)
      complain(
        context,
        at,
        `expected an address, a network such as 10.0.0.0/8 or "unix", found ${shown(context, at, text)}`,
      )
    else {
      if (network.prefix === 0)
        context.warn(`trustedProxies has ${text}: whoever reaches this server can claim any address`)
      networks.push(network)
    }
  }
  return { networks, unix, header: header ?? 'x-forwarded-for', forwardedHost }
}

/** Reads `10.0.0.7`, `10.0.0.0/8`, `::1` or `fd00::/8`. */
export function parseNetwork(text: string): Network | undefined {
  const [, address = '', length] = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? []
  const version = isIP(address)
  if (version === 0) return undefined
  const most = version === 4 ? 32 : 128
  const prefix = length === undefined ? most : Number(length)
  return prefix > most ? undefined : { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' }
}

/** As a file would say it. */
export function describeTrustedProxies({
  networks,
  unix,
  header,
  forwardedHost,
}: TrustedProxies): Record<string, unknown> {
  return {
    trustedProxies: [...networks.map(formatNetwork), ...(unix ? ['unix'] : [])],
    forwardedHeader: header,
    forwardedHost,
  }
}

/** What `parseNetwork` reads back. */
export function formatNetwork({ address, prefix, family }: Network): string {
  return prefix === (family === 'ipv4' ? 32 : 128) ? address : `${address}/${prefix}`
}
