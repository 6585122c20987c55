import { createIds } from './audit/ids.ts'
import { openKeys } from './audit/key.ts'
import { createMask } from './audit/mask.ts'
import { createRetention } from './audit/retention.ts'
import { type AuditTrail, createTrail } from './audit/trail.ts'
import { openWriter } from './audit/writer.ts'
import type { Config } from './config/config.ts'
import type { AuditConfig } from './config/audit/audit-config.ts'
import type { Observer } from './observe/observer.ts'
import { openAuditFiles } from './store/audit-files.ts'

export interface OpenAuditOptions {
  config: AuditConfig
  checksumLog: Config['checksumLog']
  observer: Observer
}

/** Opens the audit log where it ended, or begins it. Throws `store_unavailable`. */
export async function openAudit({ config, checksumLog, observer }: OpenAuditOptions): Promise<AuditTrail> {
  const files = await openAuditFiles(config.folder)
  const { signer, verifierKey, verifiers, seed } = await openKeys(files, logKeysOf(checksumLog))
  const newId = createIds()
  const { log } = observer
  const { rotate, disk, keep, sync, onFull } = config
  const writer = await openWriter({ files, signer, verifierKey, verifiers, rotate, newId, log })
  const retention = createRetention({ files, disk, keep, needed: () => Infinity })
  await retention.look(writer)
  const mask = createMask(config.mask, seed)
  return createTrail({ files, writer, retention, newId, mask, sync, onFull, observer })
}

/** The signer keys of the checksum log, if there is one. */
export function logKeysOf(log: Config['checksumLog']): readonly string[] {
  return log === undefined ? [] : [log.key, ...log.previousKeys]
}
