import { existsSync } from 'node:fs'
import { createIds } from '../../audit/ids.ts'
import { leaveAct, type LeftAct } from '../../audit/inbox.ts'
import type { Config } from '../../config/config.ts'
import { redactText } from '../../observe/redact.ts'
import { auditFilesIn } from '../../store/audit-files.ts'
import type { CommandContext } from '../context.ts'

/**
 * Leaves what a command has done for the audit log, where there is one: the server records it within a second, or at
 * its next start. What cannot be left is said on standard error, for it is done all the same. The log is the server's to
 * begin: a data folder that has nothing else in it would not be taken for one.
 */
export async function recordAct(
  { audit }: Pick<Config, 'audit'>,
  { user, stderr }: Pick<CommandContext, 'user' | 'stderr'>,
  act: Omit<LeftAct, 'user'>,
): Promise<void> {
  if (audit === undefined) return
  if (!existsSync(audit.folder)) {
    stderr.write('this is not in the audit log, which begins with the first start of the server\n')
    return
  }
  try {
    await leaveAct(auditFilesIn(audit.folder), { ...act, user }, createIds()())
  } catch (error) {
    const reason = error instanceof Error ? redactText(error.message) : String(error)
    stderr.write(`modstead: this is done, and is not in the audit log: ${reason}.\n`)
  }
}
