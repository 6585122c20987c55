import { parseNote } from '@modstead/gomod/note'
import { emptyTreeHash, formatHash } from '@modstead/gomod/tlog/hash'
import { GomodError } from '@modstead/gomod/error'
import { ModsteadError } from '../../errors.ts'
import { checkHighWater, type HighWaterMark, openMark } from '../../sumdb/log/high-water.ts'
import { hashesOf, openHead } from '../../sumdb/log/load.ts'
import { readLoggedVersion } from '../../sumdb/log/logged-version.ts'
import { formatRecordTime } from '../../sumdb/log/record-time.ts'
import type { LogReader, StoredHead } from '../../sumdb/log/storage.ts'
import { type CommandContext, EXIT } from '../context.ts'
import { countOf } from './count.ts'
import { findLog, type LocalLog, type LocalLogFlags, markOf, openLocalLog } from './local-log.ts'

/** What is told of a log; also the form of `--json`. */
interface LogInfo {
  /** Absent where nothing was signed and no key is at hand. */
  name?: string
  verifierKey?: string
  size: number
  /** Root hash, in base64. */
  root: string
  last?: { at: string; version: string }
  /** `verified`, `not verified` where no key is at hand, or what is wrong with it. Absent where there is no head. */
  signature?: string
  /** The note of the newest head. */
  head?: string
  highWater?: { where: string; size?: number; problem?: string }
  notes: string[]
}

/**
 * `modstead sumdb info`: how far the log of a data folder is, and what it has signed, also beside a running server. Exit
 * code 1 where a server would refuse to sign with it. Throws `config_invalid`, `not_found`, `store_unavailable`.
 */
export async function showLogInfo(
  flags: LocalLogFlags & { json?: boolean },
  context: CommandContext,
): Promise<number> {
  const log = await findLog(flags, context)
  const storage = await openLocalLog(log)
  try {
    const info = await describe(log, storage)
    context.stdout.write(flags.json === true ? `${JSON.stringify(info, null, 2)}\n` : format(info))
    const isWrong = info.highWater?.problem !== undefined || !SOUND.includes(info.signature)
    return isWrong ? EXIT.failure : EXIT.ok
  } finally {
    await storage.close()
  }
}

const SOUND = [undefined, 'verified', 'not verified']

async function describe(log: LocalLog, storage: LogReader): Promise<LogInfo> {
  const { verifiers, key, notes } = log
  const head = await storage.head()
  const signedBy = head && signerOf(head)
  const name = verifiers[0]?.name ?? signedBy
  const mark = await markOf(log)
  const [last] = head === undefined ? [] : await storage.records(head.size - 1, 1)
  return {
    ...(name !== undefined && { name }),
    ...(key !== undefined && { verifierKey: key }),
    size: head?.size ?? 0,
    root: formatHash(head?.root ?? emptyTreeHash()),
    ...(last !== undefined && { last: { at: formatRecordTime(last.at), version: named(last.record) } }),
    ...(head !== undefined && {
      signature: signatureOf(head, log),
      head: Buffer.from(head.note).toString(),
    }),
    ...(mark !== undefined && { highWater: await describeMark(mark, log, { storage, head }) }),
    notes,
  }
}

function signerOf({ note }: StoredHead): string | undefined {
  try {
    return parseNote(note).signatures[0]?.name
  } catch (error) {
    if (error instanceof GomodError) return undefined
    throw error
  }
}

function named(record: Uint8Array): string {
  try {
    const { module, version } = readLoggedVersion(record)
    return `${module}@${version}`
  } catch (error) {
    if (error instanceof GomodError) return `a record that cannot be one (${error.message})`
    throw error
  }
}

function signatureOf(head: StoredHead, { verifiers }: LocalLog): string {
  const [key] = verifiers
  if (key === undefined) return 'not verified'
  try {
    openHead(head, { name: key.name, verifiers })
    return 'verified'
  } catch (error) {
    if (error instanceof ModsteadError) return error.message
    throw error
  }
}

async function describeMark(
  mark: HighWaterMark,
  { verifiers }: LocalLog,
  { storage, head }: { storage: LogReader; head: StoredHead | undefined },
): Promise<LogInfo['highWater']> {
  const { where } = mark
  const [key] = verifiers
  if (key === undefined) return { where }
  const tree = { size: head?.size ?? 0, hash: head?.root ?? emptyTreeHash() }
  const log = { name: key.name, verifiers, tree, hashes: hashesOf(storage) }
  let size: number | undefined
  try {
    const note = await mark.read()
    if (note !== undefined) ({ size } = openMark(note, log))
    await checkHighWater(mark, log)
    return { where, ...(size !== undefined && { size }) }
  } catch (error) {
    if (!(error instanceof ModsteadError)) throw error
    return { where, ...(size !== undefined && { size }), problem: error.message }
  }
}

function format(info: LogInfo): string {
  const { name = 'not known', verifierKey, size, root, last, signature, head, highWater, notes } = info
  const rows: [string, string | undefined][] = [
    ['log', name],
    ['verifier key', verifierKey],
    ['records', String(size)],
    ['root', root],
    ['last record', last && `${last.at}  ${last.version}`],
    ['signature', signature],
    ['high-water', highWater && `${highWater.where}: ${markText(highWater)}`],
    ...notes.map((note): [string, string] => ['note', note]),
  ]
  const lines = rows.flatMap(([what, text]) => (text === undefined ? [] : [`${what.padEnd(14)}${text}`]))
  return `${lines.join('\n')}\n${head === undefined ? '' : `\n${head}`}`
}

function markText({ size, problem }: NonNullable<LogInfo['highWater']>): string {
  if (problem !== undefined) return problem
  return size === undefined ? 'nothing is known of it' : `${countOf(size, 'record')}, all of them here`
}
