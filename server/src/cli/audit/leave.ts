import { createIds } from '../../audit/ids.ts'
import { leaveAct, type LeftAct } from '../../audit/inbox.ts'
import type { Config } from '../../config/config.ts'
import { redactText } from '../../observe/redact.ts'
import { openAuditFiles } from '../../store/audit-files.ts'
import type { CommandContext } from '../context.ts'

/**
 * Leaves what a command has done for the audit log, where there is one: the server records it within a second, or at
 * its next start. What cannot be left is said on standard error, for it is done all the same.
 */
export async function recordAct(
  { audit }: Pick<Config, 'audit'>,
  { user, stderr }: Pick<CommandContext, 'user' | 'stderr'>,
  act: Omit<LeftAct, 'user'>,
): Promise<void> {
  if (audit === undefined) return
  try {
    await leaveAct(await openAuditFiles(audit.folder), { ...act, user }, createIds()())
  } catch (error) {
    const reason = error instanceof Error ? redactText(error.message) : String(error)
    stderr.write(`modstead: this is done, and is not in the audit log: ${reason}.\n`)
  }
}
