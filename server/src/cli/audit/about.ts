import { auditJsonSchema } from '../../audit/event.ts'
import { readVerifierKeys } from '../../audit/key.ts'
import type { Flags } from '../../config/settings.ts'
import { type CommandContext, EXIT } from '../context.ts'
import { findAudit } from './local-audit.ts'

/** `modstead audit schema`. */
export function showAuditSchema({ stdout }: CommandContext): number {
  stdout.write(`${JSON.stringify(auditJsonSchema(), null, 2)}\n`)
  return EXIT.ok
}

/** `modstead audit key`: the one that signs now first. Throws `config_invalid` and `not_found`. */
export async function showAuditKeys(flags: Flags, context: CommandContext): Promise<number> {
  const { files, config } = await findAudit(flags, context)
  const log = config.checksumLog
  const keys = await readVerifierKeys(files, log === undefined ? [] : [log.key, ...log.previousKeys])
  context.stdout.write(keys.map((key) => `${key}\n`).join(''))
  return EXIT.ok
}
