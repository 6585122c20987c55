import { once } from 'node:events'
import { connect } from 'node:net'
import type { GoproxyOriginConfig } from '../config/config.ts'
import { unreachable, type Peer } from './failures.ts'
import type { Outside } from './outside.ts'
import { hostOf } from './proxy-environment.ts'

/** How long a connection may take before it is worth a warning. Milliseconds. */
const DEADLINE = 10_000

/**
 * Connects to each http origin once, without asking it for anything, and warns of those that cannot be reached: a wrong
 * address or a missing proxy setting shows when the server starts and not when the first build fails. What goes through
 * an HTTP proxy is not tried. Never rejects.
 */
export async function warnOfUnreachable(
  origins: Iterable<Pick<GoproxyOriginConfig, 'name' | 'url'>>,
  { outside, signal }: { outside: Outside; signal: AbortSignal },
): Promise<void> {
  await Promise.all(
    Array.from(origins, async ({ name, url: text }) => {
      const url = URL.parse(text)
      if (url === null || url.protocol === 'file:' || outside.proxies.proxyFor(url) !== undefined) return
      const socket = connect({
        host: hostOf(url),
        port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
      })
      try {
        await once(socket, 'connect', { signal: AbortSignal.any([signal, AbortSignal.timeout(DEADLINE)]) })
      } catch (error) {
        if (signal.aborted) return
        const peer: Peer = { label: url.host === name ? name : `${url.host} (origin ${name})`, origin: name }
        const { code, message, next } = unreachable(peer, error)
        const advice = next ?? 'check its URL, the network, and HTTPS_PROXY where one is needed'
        outside.observer.log.warn(
          { origin: name, code, next: advice },
          `${message}; what is stored is served meanwhile`,
        )
      } finally {
        socket.destroy()
      }
    }),
  )
}
