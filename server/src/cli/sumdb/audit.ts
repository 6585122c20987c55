import { readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { GomodError } from '@modstead/gomod/error'
import { parseVerifierKey } from '@modstead/gomod/note'
import { formatHash } from '@modstead/gomod/tlog/hash'
import { absentAs, isNothingThere, storeError } from '../../disk-errors.ts'
import { ModsteadError } from '../../errors.ts'
import { createDurable } from '../../store/durable.ts'
import { localFileSystem } from '../../store/file-system.ts'
import { audit, type Audit, type SeenHead } from '../../sumdb/log/audit.ts'
import { type CommandContext, EXIT } from '../context.ts'
import { countOf } from './count.ts'
import { checkNamedFile, checkNamedFolder } from './named-file.ts'
import { createProgress } from './progress.ts'
import { openPublished } from './published.ts'

export interface AuditFlags {
  /** Verifier key of the database. */
  key: string
  /** File that remembers the newest head. */
  state?: string
  records?: boolean
  tokenFile?: string
  json?: boolean
  verbose?: boolean
}

/** Before what is not as it should be is asked for again. Milliseconds. */
const PAUSE = 2_000

/**
 * `modstead sumdb audit`: whether a checksum database somewhere else only grew, and shows what it signed. Silent where
 * all is well, but for a note where nothing is remembered. Exit code 1, with the signed heads and the proof, where it is not. Throws `config_invalid`, what reading
 * throws where the database could not be asked, `store_unavailable` for a state file that cannot be written.
 */
export async function auditDatabase(
  address: string,
  flags: AuditFlags,
  context: CommandContext,
): Promise<number> {
  const { key, state, records = false, tokenFile } = flags
  const name = nameOf(key)
  const seen = state === undefined ? FORGETFUL : await stateFile(resolve(context.cwd, state))
  if (state === undefined) context.stderr.write(`note: ${NOT_REMEMBERED}\n`)
  const published = await openPublished({ address, name, tokenFile }, context)
  const progress = createProgress(context, 'reading')
  try {
    const result = await audit({
      key,
      read: published.read,
      seen,
      records,
      pause: () => delay(PAUSE),
      progress: progress.at,
      signal: new AbortController().signal,
    })
    progress.end()
    report(result, { address, flags, context })
    return result.alarms.length === 0 ? EXIT.ok : EXIT.failure
  } finally {
    progress.end()
    await published.close()
  }
}

function nameOf(key: string): string {
  try {
    return parseVerifierKey(key).name
  } catch (error) {
    if (!(error instanceof GomodError)) throw error
    throw new ModsteadError('config_invalid', `--key: ${error.message}`, {
      next: 'write the verifier key that clients have in GOSUMDB: name+hash+base64',
    })
  }
}

const FORGETFUL: SeenHead = { read: () => Promise.resolve(undefined), write: () => Promise.resolve() }

const NOT_REMEMBERED =
  'nothing is remembered without --state FILE, so that the next audit cannot tell whether records were lost or changed since this one.'

/** The signed note of the newest head, as it was signed. Its folder must be there before anybody is asked. */
async function stateFile(path: string): Promise<SeenHead> {
  const folder = dirname(path)
  await checkNamedFolder(folder, 'make it, or name the state file in another folder with --state')
  const isThere = await stat(path).then(() => true, absentAs(false))
  if (isThere) await checkNamedFile(path, 'name the file that remembers with --state')
  const durable = createDurable({ files: localFileSystem, temporary: folder, root: folder })
  let held: Uint8Array | undefined
  return {
    async read() {
      try {
        held = await readFile(path)
        return held
      } catch (error) {
        if (isNothingThere(error)) return undefined
        throw storeError(error, `read the state file ${path}`)
      }
    },
    async write(note) {
      if (held !== undefined && Buffer.compare(held, note) === 0) return
      try {
        await durable.replace(await durable.write(note), path)
      } catch (error) {
        throw storeError(error, `write the state file ${path}`)
      }
    },
  }
}

function report(
  { name, head, before, records, alarms }: Audit,
  { address, flags, context }: { address: string; flags: AuditFlags; context: CommandContext },
): void {
  const { stdout, stderr } = context
  if (flags.json === true) {
    const facts = {
      name,
      address,
      remembered: flags.state !== undefined && head !== undefined,
      ok: alarms.length === 0,
      ...(head !== undefined && {
        size: head.tree.size,
        root: formatHash(head.tree.hash),
        head: Buffer.from(head.note).toString(),
      }),
      ...(before !== undefined && { before: before.tree.size }),
      ...(records !== undefined && { records }),
      alarms,
    }
    stdout.write(`${JSON.stringify(facts, null, 2)}\n`)
    return
  }
  for (const { text } of alarms) stderr.write(`ALARM: ${text}\n\n`)
  if (flags.verbose !== true || head === undefined) return
  const grown =
    before === undefined ? 'seen for the first time' : `${countOf(before.tree.size, 'record')} before`
  const read = records === undefined ? '' : `; ${countOf(records, 'record')} read`
  stdout.write(`${name}: ${countOf(head.tree.size, 'record')} (${grown})${read}.\n`)
}
