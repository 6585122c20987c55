import { openCheckpoint } from '@modstead/gomod/checkpoint/checkpoint'
import { openCosignatures, parseWitnessKey } from '@modstead/gomod/checkpoint/cosignature'
import { GomodError } from '@modstead/gomod/error'
import { parseVerifierKey, type Verifier } from '@modstead/gomod/note'
import { formatHash } from '@modstead/gomod/tlog/hash'
import { ModsteadError } from '../../errors.ts'
import type { WitnessStatus } from '../../sumdb/log/checkpoints.ts'
import { type CommandContext, EXIT } from '../context.ts'
import { readRemote } from '../remote.ts'

export interface WitnessesFlags {
  /** Address of the modstead, as in GOPROXY. */
  to: string
  /** Verifier key of its log. */
  key: string
  /** Verifier keys of witnesses whose cosignatures are verified here. */
  witness?: readonly string[]
  json?: boolean
}

/** What is known of the newest checkpoint; also part of `--json`. */
interface Shown {
  size: number
  root: string
  /** Verified here, with the witness's own time. */
  cosigned: { witness: string; at: string }[]
  /** Those of `--witness` that have not cosigned it. */
  missing: string[]
}

/**
 * `modstead sumdb witnesses`: what the witnesses of a running modstead said last, in its words, and whose cosignatures
 * its checkpoint has, verified here. Exit code 1 where a witness did not cosign, or there is none. Throws
 * `config_invalid` for keys that are none, `checksum_invalid` for a checkpoint that the key has not signed,
 * `upstream_invalid` for what is no answer, and what asking throws.
 */
export async function showWitnesses(flags: WitnessesFlags, { stdout }: CommandContext): Promise<number> {
  const log = keyOf('--key', flags.key, parseVerifierKey)
  const witnesses = (flags.witness ?? []).map((key) => keyOf('--witness', key, parseWitnessKey))
  const below = `/tlog/${log.name}`
  const [checkpoint, said] = await Promise.all([
    readRemote(flags.to, `${below}/checkpoint`),
    readRemote(flags.to, `${below}/witnesses`),
  ])
  const newest = open(checkpoint, { log, witnesses, from: flags.to })
  const statuses = parseStatuses(said, flags.to)
  stdout.write(
    flags.json === true
      ? `${JSON.stringify({ name: log.name, checkpoint: newest, witnesses: statuses }, null, 2)}\n`
      : format(log.name, newest, statuses),
  )
  const isWell =
    statuses.length > 0 &&
    newest.missing.length === 0 &&
    statuses.every(({ cosigned, failure }) => cosigned !== undefined && failure === undefined)
  return isWell ? EXIT.ok : EXIT.failure
}

function keyOf(flag: string, key: string, parse: (key: string) => Verifier): Verifier {
  try {
    return parse(key)
  } catch (error) {
    if (!(error instanceof GomodError)) throw error
    throw new ModsteadError('config_invalid', `${flag}: ${error.message}`, {
      next:
        flag === '--key'
          ? 'write the verifier key that clients have in GOSUMDB: name+hash+base64'
          : 'write the verifier key that the witness publishes, as in checksumLog.witnesses',
    })
  }
}

function open(
  text: string,
  { log, witnesses, from }: { log: Verifier; witnesses: readonly Verifier[]; from: string },
): Shown {
  try {
    const { checkpoint, note } = openCheckpoint(Buffer.from(text), {
      origin: log.name,
      verifiers: [log],
    })
    const { size, hash } = checkpoint.tree
    const lines = Buffer.from(text).subarray(Buffer.byteLength(note.text) + 1)
    const cosigned = witnesses.flatMap((witness) => cosignedBy(witness, { text: note.text, lines }))
    const missing = witnesses.filter(({ name }) => !cosigned.some(({ witness }) => witness === name))
    return { size, root: formatHash(hash), cosigned, missing: missing.map(({ name }) => name) }
  } catch (error) {
    if (!(error instanceof GomodError)) throw error
    throw new ModsteadError(
      'checksum_invalid',
      `the checkpoint at ${from} is not one of ${log.name}: ${error.message}`,
      {
        next: 'check the address and the key; if both are right, tell whoever runs the log',
        cause: error,
      },
    )
  }
}

/** Nothing where the witness's line is missing; one that is wrong is an error. */
function cosignedBy(
  witness: Verifier,
  { text, lines }: { text: string; lines: Uint8Array },
): Shown['cosigned'] {
  if (!Buffer.from(lines).toString().includes(`— ${witness.name} `)) return []
  return openCosignatures(text, lines, [witness]).map(({ signature, time }) => ({
    witness: signature.name,
    at: timeText(time * 1_000),
  }))
}

/** Throws `upstream_invalid` for what no modstead says. */
function parseStatuses(text: string, from: string): WitnessStatus[] {
  try {
    const value: unknown = JSON.parse(text)
    if (Array.isArray(value) && value.every(isStatus)) return value
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new ModsteadError('upstream_invalid', `what is at ${from} did not say what its witnesses said`, {
    next: 'check the address in --to, and that a modstead as new as this one runs there',
  })
}

function isStatus(value: unknown): value is WitnessStatus {
  if (typeof value !== 'object' || value === null) return false
  const { witness, cosigned, failure } = value as Partial<WitnessStatus>
  return (
    typeof witness === 'string' &&
    (cosigned === undefined || (Number.isSafeInteger(cosigned.size) && Number.isSafeInteger(cosigned.at))) &&
    (failure === undefined || typeof failure.message === 'string')
  )
}

function format(
  name: string,
  { size, cosigned, missing }: Shown,
  statuses: readonly WitnessStatus[],
): string {
  const verified = cosigned.map(({ witness, at }) => `  verified: ${witness} cosigned it at ${at}\n`)
  const absent = missing.map((witness) => `  not verified: it has no cosignature of ${witness}\n`)
  const none = statuses.length === 0 ? ['No witness is configured there.\n'] : []
  return [
    `${name} shows a signed checkpoint over ${records(size)}.\n`,
    ...verified,
    ...absent,
    ...none,
    ...statuses.map(statusText),
  ].join('')
}

function statusText({ witness, cosigned, failure }: WitnessStatus): string {
  const last =
    cosigned === undefined
      ? 'has cosigned nothing since modstead started'
      : `cosigned ${records(cosigned.size)} at ${timeText(cosigned.at)}`
  // Others wrote it.
  const words = `${witness} ${last}${failure === undefined ? '' : `; then: ${failure.message}`}`
  return `${words.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ')}.\n`
}

/** Clocks of others may say anything. */
function timeText(milliseconds: number): string {
  const time = new Date(milliseconds)
  return Number.isNaN(time.valueOf()) ? 'no possible time' : time.toISOString()
}

function records(size: number): string {
  return size === 1 ? '1 record' : `${size} records`
}
