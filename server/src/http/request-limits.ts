import type { IncomingMessage } from 'node:http'
import type { Access } from '../access/access.ts'
import type { Principal } from '../access/principal.ts'
import type { Client, ColdClient, Limits } from '../limits/limits.ts'
import { placeOf, senderOf } from './sender.ts'

/** The limits of one site, for requests as they come. */
export interface RequestLimits {
  /** On the hot path: counts a request for so many bytes, unless it has to wait. Absent: nothing is counted. */
  passes?: (req: IncomingMessage, principal: Principal, bytes: number) => boolean
  /** Waits until a request may be answered. Throws `rate_limited`, and the reason of the signal. */
  admit(req: IncomingMessage, signal: AbortSignal): Promise<void>
  /** Counts what was sent in answer to a request that was admitted, or passed for no bytes. */
  sent(req: IncomingMessage, bytes: number): void
  /** The client for whom something has to be fetched. */
  cold(req: IncomingMessage): Promise<ColdClient | undefined>
}

/** `limits` absent: nobody is held up. */
export function createRequestLimits(
  limits: Limits | undefined,
  access: Pick<Access, 'principalOf' | 'identify'>,
  tenant: string | undefined,
): RequestLimits {
  const clients = new WeakMap<IncomingMessage, Client>()

  async function clientOf(req: IncomingMessage): Promise<Client> {
    let client = clients.get(req)
    if (client === undefined) {
      // Whoever presents what proves nobody is told so where it is known whether that is needed.
      const principal = await access.identify(senderOf(req)).catch(() => undefined)
      client = { place: placeOf(req), principal, tenant }
      clients.set(req, client)
    }
    return client
  }

  if (limits === undefined)
    return { admit: async () => undefined, sent: () => undefined, cold: async () => undefined }
  const cold = async (req: IncomingMessage): Promise<ColdClient> => limits.cold(await clientOf(req))
  if (!limits.counted) return { admit: async () => undefined, sent: () => undefined, cold }
  return {
    cold,
    passes: (req, principal, bytes) => limits.passes(placeOf(req), principal, tenant, bytes),
    async admit(req, signal) {
      await limits.admit(await clientOf(req), signal)
    },
    sent(req, bytes) {
      limits.sent(
        clients.get(req) ?? { place: placeOf(req), principal: access.principalOf(req), tenant },
        bytes,
      )
    },
  }
}
