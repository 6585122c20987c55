import { signCheckpoint } from '@modstead/gomod/checkpoint/checkpoint'
import type { Signer } from '@modstead/gomod/note'
import { proveTree } from '@modstead/gomod/tlog/proof'
import { ModsteadError } from '../../errors.ts'
import type { Logger } from '../../observe/observer.ts'
import type { RecordIncident } from '../../proxy/incidents.ts'
import {
  createWitnessClient,
  type PostToWitness,
  type Witness,
  type WitnessCosignature,
  type WitnessFailure,
} from '../witness.ts'
import type { ChecksumLog } from './log.ts'
import type { StoredHead } from './storage.ts'

/** Witnesses are asked so often at most. Milliseconds. */
const EVERY = 1_000
/** After a round in which one of them failed. Milliseconds. */
const AFTER_FAILURE = 60_000

/** What a witness said last. */
export interface WitnessStatus {
  witness: string
  /** Size of the head that it cosigned last here, and when that was by its own clock, in milliseconds; absent: none. */
  cosigned?: { size: number; at: number }
  /** Why it did not cosign the newest head that it was asked about. */
  failure?: Pick<WitnessFailure, 'kind' | 'message'>
}

export interface Checkpoints {
  /**
   * The newest head as a C2SP checkpoint; with witnesses the newest one that at least one of them has cosigned, where
   * there is one.
   */
  newest(): Buffer
  witnesses(): WitnessStatus[]
  /** Asks the witnesses about the head as it is now. Gives those that have seen another history or more of this one. */
  ask(signal: AbortSignal): Promise<WitnessFailure[]>
  /** From now on witnesses are asked about new heads as they come; one that conflicts ends the signing. */
  follow(): void
  close(): Promise<void>
}

export interface CheckpointsOptions {
  log: ChecksumLog
  signers: readonly Signer[]
  witnesses: readonly Witness[]
  post: PostToWitness
  record: RecordIncident
  logger: Logger
}

/** The log's heads in the form that witnesses and monitors know, cosigned by those that are configured. */
export function createCheckpoints(options: CheckpointsOptions): Checkpoints {
  const { log, signers, witnesses, post, record, logger } = options
  const askWitnesses = createWitnessClient({
    origin: log.name,
    witnesses,
    post,
    prove: (oldSize, newSize) => proveTree(newSize, oldSize, log.hashes),
  })
  const ending = new AbortController()
  const status = new Map<string, WitnessStatus>(
    witnesses.map(({ key: { name } }) => [name, { witness: name }]),
  )
  let cosigned: Buffer | undefined
  /** Size of the newest head that was given without cosignatures. */
  let given = 0
  let asked: StoredHead | undefined
  let timer: NodeJS.Timeout | undefined
  let round: Promise<void> | undefined
  let unfollow = (): void => undefined

  const checkpointOf = ({ size, root }: StoredHead): Uint8Array =>
    signCheckpoint({ origin: log.name, tree: { size, hash: root }, extensions: [] }, signers)

  function take(head: StoredHead, cosignatures: readonly WitnessCosignature[]): void {
    for (const { witness, time } of cosignatures)
      status.set(witness, { witness, cosigned: { size: head.size, at: time * 1_000 } })
    // A monitor would take one that is smaller than what it has seen for a log that shrank.
    if (cosignatures.length > 0 && head.size >= given)
      cosigned = Buffer.concat([checkpointOf(head), ...cosignatures.map(({ line }) => Buffer.from(line))])
  }

  /** A witness that contradicts us is no mishap: somebody has signed two histories with our key. */
  async function alarm({ witness, size, message }: WitnessFailure, head: StoredHead): Promise<void> {
    await record(
      {
        kind: 'checksum_database',
        realm: 'public',
        module: '',
        version: '',
        source: `witness ${witness}`,
        expected: 'one growing log',
        found: size === undefined ? 'another history' : `a head over ${size} records`,
        outcome: `our own log ${log.name} has ${head.size} records; the witness did not cosign`,
      },
      message,
    )
  }

  async function ask(signal: AbortSignal): Promise<WitnessFailure[]> {
    const head = log.head()
    asked = head
    const { cosignatures, failures } = await askWitnesses(checkpointOf(head), signal)
    take(head, cosignatures)
    for (const { witness, kind, message } of failures) {
      const known = status.get(witness)
      status.set(witness, { ...known, witness, failure: { kind, message } })
      if (known?.failure?.message !== message) logger.warn({ witness, kind, log: log.name }, message)
    }
    const conflicts = failures.filter(({ kind }) => kind === 'conflict')
    for (const conflict of conflicts) await alarm(conflict, head)
    return conflicts
  }

  async function run(): Promise<void> {
    try {
      const [conflict] = await ask(ending.signal)
      if (conflict !== undefined) log.refuse(conflictError(log.name, conflict))
    } catch (error) {
      if (!ending.signal.aborted) logger.error({ err: error, log: log.name }, 'witnesses could not be asked')
    }
    round = undefined
    const failed = [...status.values()].some(({ failure }) => failure !== undefined)
    if (asked !== log.head()) plan(EVERY)
    else if (failed) plan(AFTER_FAILURE)
  }

  function plan(wait: number): void {
    if (ending.signal.aborted || timer !== undefined || round !== undefined || witnesses.length === 0) return
    timer = setTimeout(() => {
      timer = undefined
      round = run()
    }, wait)
    timer.unref()
  }

  return {
    newest() {
      if (cosigned !== undefined) return cosigned
      const head = log.head()
      given = head.size
      return Buffer.from(checkpointOf(head))
    },
    witnesses: () => [...status.values()],
    ask,
    follow() {
      unfollow = log.onHead(() => plan(EVERY))
      if (asked !== log.head()) plan(EVERY)
    },
    async close() {
      unfollow()
      clearTimeout(timer)
      ending.abort()
      await round
    },
  }
}

/** `log_refused`: a witness remembers what we have signed, as the high-water mark does. */
export function conflictError(name: string, { message }: Pick<WitnessFailure, 'message'>): ModsteadError {
  return new ModsteadError('log_refused', `the log ${name} signs nothing: ${message}`, {
    next: 'docs/checksum-database.md, "When the log is refused", says how to go on',
  })
}
