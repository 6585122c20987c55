/**
 * Asks witnesses to cosign the heads of a log of ours (C2SP's tlog-witness). A witness cosigns only what continues
 * all it has seen of the log, so it is also memory outside this machine: one that has seen more than we have, or
 * something else, says that the log was rolled back or has forked.
 */
import {
  formatAddCheckpoint,
  readWitnessAnswer,
  type WitnessAnswer,
  type WitnessVerdict,
} from '@modstead/gomod/checkpoint/add-checkpoint'
import { parseCheckpoint } from '@modstead/gomod/checkpoint/checkpoint'
import { formatSignatureLine } from '@modstead/gomod/checkpoint/cosignature'
import { parseNote, type Verifier } from '@modstead/gomod/note'
import type { Hash } from '@modstead/gomod/tlog/hash'
import { ModsteadError } from '../errors.ts'

export interface Witness {
  /** As `parseWitnessKey` reads it; its name is what the witness is called in results. */
  readonly key: Verifier
  /** The submission prefix, `https://witness.example/path`; a slash at its end does not matter. */
  readonly url: string
}

/** Sends a POST request. Rejects where no answer comes. It should take no more than `MAX_ANSWER_BYTES` of a body. */
export type PostToWitness = (url: string, body: Uint8Array, signal: AbortSignal) => Promise<WitnessAnswer>

/** An answer with a larger body is not read. */
export const MAX_ANSWER_BYTES = 64 * 1024

export interface WitnessedLogOptions {
  /** The origin line of the log's checkpoints. */
  readonly origin: string
  readonly witnesses: readonly Witness[]
  readonly post: PostToWitness
  /** The consistency proof (RFC 6962) between two sizes of the log, 0 < oldSize < newSize. */
  readonly prove: (oldSize: number, newSize: number, signal: AbortSignal) => Promise<readonly Hash[]>
  /** Milliseconds for one witness, with the second question that it may take. Default: 5,000. */
  readonly deadlineMs?: number
}

export interface WitnessCosignature {
  /** Name of the witness's key. */
  readonly witness: string
  /** A verified signature line, with its newline: to be put behind the checkpoint as it is. */
  readonly line: string
  /** When the witness gave it, in seconds since 1970: its word. */
  readonly time: number
}

export interface WitnessFailure {
  readonly witness: string
  /**
   * `unreachable`: no answer in time. `refused`: an answer without a valid cosignature. `conflict`: the witness has
   * seen a larger head of this log, or another history of it. That is the alarm for a rollback or a fork; but it is
   * the witness's word, which nobody has signed.
   */
  readonly kind: 'unreachable' | 'refused' | 'conflict'
  /** For `conflict`: the size that the witness has seen, where it said one. */
  readonly size?: number
  /** The cause and the next step, for a person. */
  readonly message: string
  readonly cause?: unknown
}

export interface WitnessRound {
  /** In the order of the witnesses, as are the failures. */
  readonly cosignatures: readonly WitnessCosignature[]
  readonly failures: readonly WitnessFailure[]
}

/**
 * Asks all witnesses at once for cosignatures of a signed checkpoint of the log. What a witness does wrong is a
 * failure in the result. Throws GomodError `invalid_note` and ModsteadError `internal` where it is no checkpoint of
 * this log, what `prove` throws, and the reason of `signal` as soon as that fires.
 */
export type AskWitnesses = (checkpoint: Uint8Array, signal: AbortSignal) => Promise<WitnessRound>

/** Remembers, in memory, the size at which each witness is; at first it is asked as if it knew nothing of the log. */
export function createWitnessClient(options: WitnessedLogOptions): AskWitnesses {
  const { origin, witnesses } = options
  const sizes = new Map<Witness, number>()
  return async (checkpoint, signal) => {
    signal.throwIfAborted()
    const head = parseCheckpoint(parseNote(checkpoint).text)
    if (head.origin !== origin)
      throw new ModsteadError(
        'internal',
        `a checkpoint of ${head.origin} was given to the witnesses of ${origin}`,
      )
    const question = { checkpoint, size: head.tree.size }
    const results = await Promise.all(
      witnesses.map((witness) => askInTime({ ...options, ...question, witness, sizes, signal })),
    )
    return {
      cosignatures: results.flatMap((result) => (Array.isArray(result) ? result : [])),
      failures: results.flatMap((result) => (Array.isArray(result) ? [] : [result])),
    }
  }
}

const DEADLINE_MS = 5_000

interface Question extends WitnessedLogOptions {
  readonly witness: Witness
  readonly checkpoint: Uint8Array
  /** Records in the checkpoint. */
  readonly size: number
  /** The size that each witness is known to have cosigned last. */
  readonly sizes: Map<Witness, number>
  readonly signal: AbortSignal
}

/** Not even a `post` that ignores its signal holds this up beyond the deadline. */
async function askInTime(question: Question): Promise<WitnessCosignature[] | WitnessFailure> {
  const { deadlineMs = DEADLINE_MS, witness } = question
  const late = new AbortController()
  const signal = AbortSignal.any([question.signal, late.signal])
  const over = Promise.withResolvers<never>()
  const giveUp = (): void => over.reject(signal.reason as Error)
  signal.addEventListener('abort', giveUp, { once: true })
  const timer = setTimeout(
    () => late.abort(new NoAnswer(`no answer within ${deadlineMs} milliseconds`)),
    deadlineMs,
  )
  try {
    return await Promise.race([ask({ ...question, signal }), over.promise])
  } catch (error) {
    if (question.signal.aborted) throw question.signal.reason
    if (!(error instanceof NoAnswer)) throw error
    return {
      witness: witness.key.name,
      kind: 'unreachable',
      message: `the witness ${witness.key.name} at ${witness.url} cannot be reached: ${error.message}; see that it runs and that this machine may connect to it`,
      cause: error.cause,
    }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
  }
}

/** Why there is nothing to read. */
class NoAnswer extends Error {}

async function ask(question: Question): Promise<WitnessCosignature[] | WitnessFailure> {
  const { witness, size, sizes } = question
  // A head that is older than what a witness has cosigned is asked for too: the witness says then what it has.
  let oldSize = Math.min(sizes.get(witness) ?? 0, size)
  let verdict = await askOnce(question, oldSize)
  if (verdict.kind === 'other_size' && verdict.size <= size) {
    oldSize = verdict.size
    sizes.set(witness, oldSize)
    verdict = await askOnce(question, oldSize)
  }
  if (verdict.kind !== 'cosigned') return failureOf(question, oldSize, verdict)
  sizes.set(witness, size)
  return verdict.cosignatures.map(({ signature, time }) => ({
    witness: signature.name,
    line: formatSignatureLine(signature),
    time,
  }))
}

async function askOnce(question: Question, oldSize: number): Promise<WitnessVerdict> {
  const { witness, checkpoint, size, prove, post, signal } = question
  const proof = oldSize > 0 && oldSize < size ? await prove(oldSize, size, signal) : []
  const body = formatAddCheckpoint({ oldSize, proof, checkpoint })
  let answer: WitnessAnswer
  try {
    answer = await post(`${witness.url.replace(/\/+$/, '')}/add-checkpoint`, body, signal)
  } catch (cause) {
    throw new NoAnswer(cause instanceof Error ? cause.message : String(cause), { cause })
  }
  if (answer.body.length > MAX_ANSWER_BYTES)
    return { kind: 'invalid', message: `its answer has more than ${MAX_ANSWER_BYTES} bytes` }
  return readWitnessAnswer(answer, { checkpoint, witnesses: [witness.key] })
}

/** What it means that a witness, asked with `oldSize`, did not cosign. */
function failureOf(
  { witness, size, origin }: Question,
  oldSize: number,
  verdict: Exclude<WitnessVerdict, { kind: 'cosigned' }>,
): WitnessFailure {
  const { name } = witness.key
  if (verdict.kind === 'other_size' && verdict.size > size)
    return {
      witness: name,
      kind: 'conflict',
      size: verdict.size,
      message: `the witness ${name} has seen ${verdict.size} records of the log ${origin}, which has ${size} here: this log was rolled back, or another one signs with its key; sign nothing until it is known which`,
    }
  // Two questions at once may overtake each other; then the witness has moved on, but not beyond this head.
  if (verdict.kind === 'other_size' && verdict.size !== oldSize)
    return {
      witness: name,
      kind: 'refused',
      message: `the witness ${name} was asked about the log ${origin} by others meanwhile and is now at ${verdict.size} records; it will be asked again with the next head`,
    }
  const message =
    verdict.kind === 'other_size' ? `it answered 409 to its own size, ${oldSize}` : verdict.message
  if (oldSize > 0 && contradicts(verdict, oldSize === size))
    return {
      witness: name,
      kind: 'conflict',
      size: oldSize,
      message: `the witness ${name} has seen other contents in the first ${oldSize} records of the log ${origin} (${message}): this log has forked, or another one signs with its key; sign nothing until it is known which`,
    }
  return {
    witness: name,
    kind: 'refused',
    message: `the witness ${name} at ${witness.url} did not cosign a head of the log ${origin}: ${message}; ${nextStep(verdict)}`,
  }
}

/** Whether the witness says that it has another root at the old size. Our proofs are taken for right. */
function contradicts(verdict: WitnessVerdict, sameSize: boolean): boolean {
  if (verdict.kind === 'other_size') return sameSize
  return verdict.kind === 'refused' && verdict.reason === (sameSize ? 'other_root' : 'bad_proof')
}

function nextStep(verdict: WitnessVerdict): string {
  const reason = verdict.kind === 'refused' ? verdict.reason : undefined
  if (reason === 'unknown_log') return 'ask whoever runs it to add the log, with its verifier key'
  if (reason === 'unknown_key') return "give the log's present verifier key to whoever runs it"
  return 'see that its URL and key are those that it publishes, and ask whoever runs it'
}
