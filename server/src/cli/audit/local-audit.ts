import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { GomodError } from '@modstead/gomod/error'
import { parseVerifierKey, type Verifier } from '@modstead/gomod/note'
import type { AuditFiles } from '../../audit/files.ts'
import { KEY_FILE } from '../../audit/files.ts'
import { readVerifierKeys } from '../../audit/key.ts'
import { createMask } from '../../audit/mask.ts'
import type { Config } from '../../config/config.ts'
import type { Flags } from '../../config/settings.ts'
import { ModsteadError } from '../../errors.ts'
import { auditFilesIn } from '../../store/audit-files.ts'
import type { CommandContext } from '../context.ts'
import { readConfig } from '../read-config.ts'

/** The audit log of the configuration, or of the data folder where that says nothing of one. */
export interface LocalAudit {
  files: AuditFiles
  config: Config
}

/** A server may write to it meanwhile. Throws `config_invalid`, and `not_found` where there is no such log. */
export async function findAudit(flags: Flags, context: CommandContext): Promise<LocalAudit> {
  const { config } = await readConfig(context, flags)
  const folder = config.audit?.folder ?? join(config.dataDir, 'audit')
  const facts = await stat(folder).catch(() => undefined)
  if (facts?.isDirectory() !== true)
    throw new ModsteadError('not_found', `there is no audit log at ${folder}`, {
      next: 'add "audit: {}" to the configuration of the server, or name its configuration with --config',
    })
  return { files: auditFilesIn(folder), config }
}

/** Whose signatures count: the keys that were given, or those of the configuration and of the folder. */
export async function verifiersOf(
  { files, config }: LocalAudit,
  given: readonly string[] | undefined,
): Promise<Verifier[]> {
  const log = config.checksumLog
  const keys =
    given ?? (await readVerifierKeys(files, log === undefined ? [] : [log.key, ...log.previousKeys]))
  try {
    return keys.map(parseVerifierKey)
  } catch (error) {
    if (!(error instanceof GomodError)) throw error
    throw new ModsteadError('config_invalid', `--key: ${error.message}`, {
      next: 'modstead audit key prints the key on the machine of the server',
    })
  }
}

/** How a name may stand in the log, masked or not. */
export async function formsOf({ files }: LocalAudit, name: string): Promise<string[]> {
  // Only the user that modstead runs as can read the key.
  const key = await files.readSmall(KEY_FILE).catch(() => undefined)
  const masks = key === undefined ? (['none', 'partial'] as const) : (['none', 'partial', 'hash'] as const)
  return masks.map((mask) => createMask(mask, key?.trim() ?? '')(name))
}
