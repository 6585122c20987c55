import { networkOf } from './access/network.ts'
import { createIds } from './audit/ids.ts'
import { type Delivery, openDelivery } from './audit/delivery.ts'
import { openKeys } from './audit/key.ts'
import { createMask } from './audit/mask.ts'
import { createRetention } from './audit/retention.ts'
import type { AuditSink } from './audit/sink.ts'
import { type AuditTrail, createTrail } from './audit/trail.ts'
import { openWriter } from './audit/writer.ts'
import type { AuditConfig, SinkConfig } from './config/audit/audit-config.ts'
import type { Config } from './config/config.ts'
import type { Observer } from './observe/observer.ts'
import { openAuditFiles } from './store/audit-files.ts'

export interface OpenAuditOptions {
  config: AuditConfig
  checksumLog: Config['checksumLog']
  observer: Observer
  /** For HTTP(S)_PROXY and NO_PROXY. */
  env: Readonly<Record<string, string | undefined>>
  /** The version of modstead. */
  version: string
}

/** How long sinks are given at the end to take what there is. Milliseconds. */
const GRACE = 2_000

/**
 * Opens the audit log where it ended, or begins it, and what sends it on. Throws `store_unavailable`, and
 * `config_invalid` for a sink whose library is not installed.
 */
export async function openAudit(options: OpenAuditOptions): Promise<AuditTrail> {
  const { config, checksumLog, observer } = options
  const files = await openAuditFiles(config.folder)
  const { signer, verifierKey, verifiers, seed } = await openKeys(files, logKeysOf(checksumLog))
  const newId = createIds()
  const { log } = observer
  const { rotate, disk, keep, sync, onFull } = config
  const sinks = await Promise.all(config.sinks.map((sink) => openSink(sink, options)))
  const writer = await openWriter({ files, signer, verifierKey, verifiers, rotate, newId, log })
  const deliveries: Delivery[] = []
  for (const sink of sinks) deliveries.push(await openDelivery({ files, sink, writer, observer }))
  const retention = createRetention({
    files,
    disk,
    keep,
    needed: () => Math.min(...deliveries.map((delivery) => delivery.segment())),
  })
  await retention.look(writer)
  observer.gauge('modstead_audit_lag_events', 'Events that the slowest sink has still to take.', () =>
    Math.max(0, ...deliveries.map((delivery) => delivery.lag())),
  )
  const trail = createTrail({
    files,
    writer,
    retention,
    newId,
    mask: createMask(config.mask, seed),
    sync,
    onFull,
    observer,
    networkOf,
    onWritten() {
      for (const delivery of deliveries) delivery.wake()
    },
  })
  return {
    ...trail,
    get blocked() {
      return trail.blocked
    },
    warnings: () => [...trail.warnings(), ...deliveries.flatMap((delivery) => delivery.warning() ?? [])],
    async close() {
      await trail.flush()
      await Promise.all(deliveries.map((delivery) => delivery.close(GRACE)))
      await trail.close()
    },
  }
}

/** The signer keys of the checksum log, if there is one. */
function logKeysOf(log: Config['checksumLog']): readonly string[] {
  return log === undefined ? [] : [log.key, ...log.previousKeys]
}

/** Loaded where it is needed. */
async function openSink(
  config: SinkConfig,
  { env, version }: Pick<OpenAuditOptions, 'env' | 'version'>,
): Promise<AuditSink> {
  switch (config.type) {
    case 'syslog':
      return (await import('./sinks/syslog.ts')).openSyslog(config)
    case 'webhook':
      return (await import('./sinks/webhook.ts')).openWebhook(config, env)
    case 'nats':
      return (await import('./sinks/nats.ts')).openNats(config)
    case 'kafka':
      return (await import('./sinks/kafka.ts')).openKafka(config)
    case 'otlp':
      return (await import('./sinks/otlp.ts')).openOtlp(config, version, env)
  }
}
