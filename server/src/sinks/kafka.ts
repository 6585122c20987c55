import { readFile } from 'node:fs/promises'
import type { AuditSink } from '../audit/sink.ts'
import type { KafkaConfig } from '../config/audit/audit-config.ts'
import { ModsteadError } from '../errors.ts'

/** What of kafkajs is used here. It is no dependency: most have no Kafka. */
interface Library {
  Kafka: new (options: object) => {
    producer(options: object): {
      connect(): Promise<void>
      send(records: object): Promise<unknown>
      disconnect(): Promise<void>
    }
  }
  logLevel: { NOTHING: number }
}

const KAFKA_LIBRARY = 'kafkajs'

/** Kafka, with the library that is installed beside modstead. Rejects with `config_invalid` where there is none. */
export async function openKafka(config: KafkaConfig): Promise<AuditSink> {
  const { name, brokers, topic, tls, ca, login } = config
  const { Kafka, logLevel } = await load(name)
  const kafka = new Kafka({
    clientId: 'modstead',
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    ssl: tls && (ca === undefined ? true : { ca: [await readFile(ca, 'utf8')] }),
    ...(login && { sasl: login }),
    // The delivery tries again by itself.
    retry: { retries: 1 },
    requestTimeout: 20_000,
  })
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  let connecting: Promise<void> | undefined
  return {
    name,
    batch: 500,
    async send(events, signal) {
      signal.throwIfAborted()
      connecting ??= producer.connect()
      await connecting.catch((error: unknown) => {
        connecting = undefined
        throw error
      })
      const messages = events.map((event) => ({ key: event.event_id, value: JSON.stringify(event) }))
      await producer.send({ topic, acks: -1, timeout: 20_000, messages })
    },
    close: async () => producer.disconnect(),
  }
}

async function load(name: string): Promise<Library> {
  // Not written into the import, which would make it a dependency.
  const library: string = KAFKA_LIBRARY
  try {
    const loaded = (await import(library)) as Library & { default?: Library }
    return loaded.default ?? loaded
  } catch (cause) {
    throw new ModsteadError(
      'config_invalid',
      `audit.sinks.${name} is of the type kafka, and its library is not installed`,
      {
        cause,
        next: `install it beside modstead with npm install ${KAFKA_LIBRARY}, or use another sink`,
      },
    )
  }
}
