import { createHmac } from 'node:crypto'
import type { AuditSink } from '../audit/sink.ts'
import type { WebhookConfig } from '../config/audit/audit-config.ts'
import { createPoster } from './post.ts'

/**
 * POSTs events as lines of JSON (`application/x-ndjson`) with
 *
 *     Modstead-Signature: t=SECONDS,v1=HEX      HMAC-SHA256 of `SECONDS.BODY` with the secret
 *     Modstead-Delivery: ID                     of the first event: a batch that comes again begins with the same
 */
export async function openWebhook(
  { name, url, secret, ca, batch }: WebhookConfig,
  env: Readonly<Record<string, string | undefined>>,
): Promise<AuditSink> {
  const poster = await createPoster(ca, env)
  return {
    name,
    batch,
    async send(events, signal) {
      const body = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''))
      const headers = {
        'content-type': 'application/x-ndjson',
        'user-agent': 'modstead',
        'modstead-delivery': events[0]!.event_id,
        'modstead-signature': signatureOf(secret, body, Math.floor(Date.now() / 1000)),
      }
      await poster.post(url, headers, body, signal)
    },
    close: () => poster.close(),
  }
}

export function signatureOf(secret: string, body: Uint8Array, seconds: number): string {
  const mac = createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex')
  return `t=${seconds},v1=${mac}`
}
