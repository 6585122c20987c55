import { openHighWaterFile } from '../../store/high-water-file.ts'
import { type MarkChange, prepareMark } from '../../sumdb/log/set-mark.ts'
import { type CommandContext, EXIT } from '../context.ts'
import { findKnownLog, type LocalLogFlags, openLocalLog } from './local-log.ts'
import { withOwnFolder } from './own-folder.ts'

export interface MarkFlags extends LocalLogFlags {
  yes?: boolean
}

/**
 * `modstead sumdb mark`: takes the log as it is for all that was ever signed, where the high-water mark was lost, and
 * only where nothing contradicts that. Without `--yes` it says what that means and changes nothing: exit code 2. Throws
 * `config_invalid`, `not_found`, `data_folder` while a server has the folder, and what `prepareMark` throws.
 */
export async function setMark(flags: MarkFlags, context: CommandContext): Promise<number> {
  const log = await findKnownLog(flags, context)
  const mark = openHighWaterFile(log.files.highWater)
  const storage = await openLocalLog(log)
  try {
    return await withOwnFolder(log, context, async () => {
      const change = await prepareMark({ ...log, storage, mark })
      const { head, marked } = change
      if (marked === head.size) {
        context.stdout.write(`${mark.where} knows of all ${head.size} records already.\n`)
        return EXIT.ok
      }
      if (flags.yes !== true) {
        context.stderr.write(`${warning(log.name, mark.where, change)}\n`)
        return EXIT.usage
      }
      await change.write()
      context.stdout.write(`${mark.where} knows of ${head.size} records now: start modstead again.\n`)
      return EXIT.ok
    })
  } finally {
    await storage.close()
  }
}

function warning(name: string, where: string, { head, marked }: MarkChange): string {
  return `This would write to ${where} that ${head.size} records are all that ${name} has ever signed${
    marked === undefined ? '' : ` (it knows of ${marked})`
  }.

If a larger head was shown to anybody, as after the restore of a backup, modstead would sign a second history, and every
client that saw the first refuses it for good (SECURITY ERROR). Then give the log its records back with
"modstead sumdb import" first, or begin a log under a new name.

If you are sure that nothing is missing: modstead sumdb mark --yes`
}
