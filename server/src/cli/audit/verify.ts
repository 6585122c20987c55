import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Finding, verifyAudit } from '../../audit/verify.ts'
import { describeFileError } from '../../config/file-errors.ts'
import type { Flags } from '../../config/settings.ts'
import { ModsteadError } from '../../errors.ts'
import { escapeControls } from '../../observe/text-lines.ts'
import { type CommandContext, EXIT } from '../context.ts'
import { segmentName } from '../../audit/chain.ts'
import { findAudit, verifiersOf } from './local-audit.ts'

export interface AuditVerifyFlags {
  key?: readonly string[]
  /** A file with a checkpoint that was kept elsewhere. */
  checkpoint?: string
  json?: boolean
}

/**
 * `modstead audit verify`: a line for all that is wrong with the audit log, and exit code 1; else how far it is signed.
 * Throws `config_invalid`, `not_found` and `store_unavailable`.
 */
export async function verifyLocalAudit(
  { key, checkpoint, json = false }: AuditVerifyFlags,
  flags: Flags,
  context: CommandContext,
): Promise<number> {
  const audit = await findAudit(flags, context)
  const verifiers = await verifiersOf(audit, key)
  const kept = checkpoint === undefined ? undefined : await readCheckpoint(checkpoint, context)
  const report = await verifyAudit({
    files: audit.files,
    verifiers,
    ...(kept !== undefined && { checkpoint: kept }),
  })
  const { findings, segments, events, last, signed, signedAt, recovered, unfinished } = report
  const { stdout } = context
  if (json) {
    stdout.write(`${JSON.stringify({ ok: findings.length === 0, ...report }, null, 2)}\n`)
    return findings.length === 0 ? EXIT.ok : EXIT.failure
  }
  for (const finding of findings) stdout.write(`${describe(finding)}\n`)
  const many = `${events} ${events === 1 ? 'event' : 'events'} in ${segments} ${segments === 1 ? 'segment' : 'segments'}`
  if (findings.length > 0) stdout.write(`the audit log is NOT what was written: ${many}\n`)
  else stdout.write(`the audit log is what was written: ${many}\n`)
  if (signedAt !== undefined) stdout.write(`signed through event ${signed} of ${last}, at ${signedAt}\n`)
  else if (last > 0) stdout.write('nothing of it is signed by now: that happens within a minute\n')
  if (unfinished !== undefined)
    stdout.write(
      `unfinished end: ${segmentName(unfinished.segment)} ends within line ${unfinished.line}, behind all that is signed: a server could not write on (is its disk full?) or has crashed; it writes over that when it goes on\n`,
    )
  if (recovered > 0)
    stdout.write(
      `it has gone on after ${recovered} crash${recovered === 1 ? '' : 'es'}: "recovered" lines tell of each\n`,
    )
  return findings.length === 0 ? EXIT.ok : EXIT.failure
}

function describe({ segment, lines, what }: Finding): string {
  const where =
    segment === undefined
      ? ''
      : `${segmentName(segment)}${lines === undefined ? '' : `, ${lineWords(lines)}`}: `
  return `${where}${escapeControls(what)}`
}

function lineWords([first, last]: [number, number]): string {
  return first === last ? `line ${first}` : `lines ${first} to ${last}`
}

async function readCheckpoint(path: string, { cwd }: CommandContext): Promise<string> {
  const absolute = resolve(cwd, path)
  try {
    return await readFile(absolute, 'utf8')
  } catch (error) {
    throw new ModsteadError('config_invalid', `--checkpoint: ${describeFileError(absolute, error)}`)
  }
}
