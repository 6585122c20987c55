import { readFile } from 'node:fs/promises'
import type { AuditSink } from '../audit/sink.ts'
import type { NatsConfig } from '../config/audit/audit-config.ts'

/** Messages on their way at a time. */
const AT_ONCE = 100

/**
 * NATS JetStream: one message an event, to `SUBJECT.EVENT_TYPE`, acknowledged by the stream. Its id is that of the event,
 * so that a stream drops what comes twice within its window for duplicates.
 */
export async function openNats({ name, servers, subject, login, ca }: NatsConfig): Promise<AuditSink> {
  const [{ connect, credsAuthenticator }, { jetstream }] = await Promise.all([
    import('@nats-io/transport-node'),
    import('@nats-io/jetstream'),
  ])
  let opening: ReturnType<typeof open> | undefined

  async function open() {
    const connection = await connect({
      servers: [...servers],
      name: 'modstead-audit',
      timeout: 10_000,
      // The delivery begins again by itself.
      reconnect: false,
      ...(login?.kind === 'token' && { token: login.token }),
      ...(login?.kind === 'password' && { user: login.username, pass: login.password }),
      ...(login?.kind === 'creds' && { authenticator: credsAuthenticator(await readFile(login.file)) }),
      ...(ca !== undefined && { tls: { caFile: ca } }),
    })
    const forget = (): void => void (opening = undefined)
    connection.closed().then(forget, forget)
    return { connection, stream: jetstream(connection) }
  }

  return {
    name,
    batch: AT_ONCE,
    async send(events, signal) {
      signal.throwIfAborted()
      opening ??= open()
      const { stream } = await opening.catch((error: unknown) => {
        opening = undefined
        throw error
      })
      await Promise.all(
        events.map((event) =>
          stream.publish(`${subject}.${event.event_type}`, JSON.stringify(event), {
            msgID: event.event_id,
            timeout: 20_000,
          }),
        ),
      )
    },
    async close() {
      const open = await opening?.catch(() => undefined)
      await open?.connection.close()
    },
  }
}
