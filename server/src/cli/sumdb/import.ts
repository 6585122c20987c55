import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { createSumdbClient } from '@modstead/gomod/sumdb/client'
import { createMemoryOps } from '@modstead/gomod/sumdb/memory-ops'
import { GomodError } from '@modstead/gomod/error'
import { growSqliteLog } from '../../catalog/sqlite-log-file.ts'
import { storeError } from '../../disk-errors.ts'
import { ModsteadError } from '../../errors.ts'
import { openHighWaterFile } from '../../store/high-water-file.ts'
import { type Imported, importLog, type LogCopy } from '../../sumdb/log/import-log.ts'
import { exportedCopy, publishedCopy } from '../../sumdb/log/log-copies.ts'
import { type CommandContext, EXIT } from '../context.ts'
import { countOf } from './count.ts'
import { findKnownLog, type KnownLog, type LocalLogFlags } from './local-log.ts'
import { checkNamedFile } from './named-file.ts'
import { withOwnFolder } from './own-folder.ts'
import { createProgress } from './progress.ts'
import { openPublished } from './published.ts'

export interface ImportFlags extends LocalLogFlags {
  tokenFile?: string
}

/**
 * `modstead sumdb import`: gives a log the records back that an export, or whoever publishes it, has more than the data
 * folder. All or nothing; only while no server has the folder. Exit code 1 where the log has still less than its high-water
 * mark says, so that a server goes on to refuse it. Throws `config_invalid`, `data_folder`, what `importLog`
 * throws, `checksum_invalid` for what is published and does not verify, and what reading throws.
 */
export async function importRecords(
  from: string,
  flags: ImportFlags,
  context: CommandContext,
): Promise<number> {
  const log = await findKnownLog(flags, context)
  const mark = openHighWaterFile(log.files.highWater)
  const progress = createProgress(context, 'importing')
  const { copy, close } = await openCopy(from, flags, { log, context })
  try {
    const imported = await withOwnFolder(log, context, () =>
      growSqliteLog(log.files.database, (growth) =>
        importLog(growth, copy, { ...log, mark, progress: (size) => progress.at(size) }),
      ),
    ).catch((error: unknown) => {
      throw asCommandFailure(error, copy)
    })
    progress.end()
    context.stdout.write(describe(imported, log))
    return isMissingSome(imported) ? EXIT.failure : EXIT.ok
  } finally {
    progress.end()
    await close()
  }
}

async function openCopy(
  from: string,
  { tokenFile }: ImportFlags,
  { log, context }: { log: KnownLog; context: CommandContext },
): Promise<{ copy: LogCopy; close(): Promise<void> }> {
  const { name } = log
  if (!/^(?:https?|file):\/\//.test(from)) {
    const path = resolve(context.cwd, from)
    await checkNamedFile(
      path,
      'nothing was imported; name an export, or an address that begins with https:// or file:///',
    )
    const open = (): AsyncIterable<Uint8Array> => createReadStream(path, { highWaterMark: 1 << 18 })
    return { copy: exportedCopy({ name, where: from, open }), close: () => Promise.resolve() }
  }
  const published = await openPublished({ address: from, name, tokenFile }, context)
  const ops = createMemoryOps(published.read)
  ops.writeCache = () => Promise.resolve()
  const client = createSumdbClient({ verifierKey: log.key, ops })
  const { signal } = new AbortController()
  return { copy: publishedCopy({ client, where: from, signal }), close: published.close }
}

function asCommandFailure(error: unknown, { where }: LogCopy): unknown {
  if (error instanceof GomodError)
    return new ModsteadError(
      'checksum_invalid',
      `what ${where} publishes does not verify: ${error.message}`,
      {
        next: 'nothing was imported; take another copy',
        cause: error,
      },
    )
  const isSystems = error instanceof Error && 'syscall' in error
  return isSystems ? storeError(error, `read ${where}`) : error
}

function describe({ added, size, marked }: Imported, { files }: KnownLog): string {
  const first =
    added === 0
      ? `Nothing is missing that it has: the log has ${countOf(size, 'record')}.`
      : `${countOf(added, 'record')} ${added === 1 ? 'was' : 'were'} added: the log has ${size} now, and its signed head.`
  return `${[first, ...nextStep({ size, marked }, files.highWater)].join('\n')}\n`
}

/** Where there is no mark, nobody knows. */
function isMissingSome({ size, marked }: Pick<Imported, 'size' | 'marked'>): boolean {
  return marked !== undefined && marked > size
}

function nextStep({ size, marked }: Pick<Imported, 'size' | 'marked'>, highWater: string): string[] {
  if (marked === undefined)
    return [
      `There is no high-water mark at ${highWater}: copy that of the machine that signed last, or, if this head`,
      'is surely the last that was signed, run "modstead sumdb mark".',
    ]
  const missing = marked - size
  if (missing > 0)
    return [
      `The high-water mark knows of ${marked}: ${missing} ${missing === 1 ? 'is' : 'are'} still missing, and the log stays refused.`,
      `Import a copy that has ${missing === 1 ? 'it' : 'them'}.`,
    ]
  return ['It has all that the high-water mark knows of: start modstead again.']
}
