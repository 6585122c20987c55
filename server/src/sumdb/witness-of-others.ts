import type { WitnessAnswer } from '@modstead/gomod/checkpoint/add-checkpoint'
import { parseAddCheckpoint } from '@modstead/gomod/checkpoint/add-checkpoint'
import { parseCheckpoint } from '@modstead/gomod/checkpoint/checkpoint'
import { answerAddCheckpoint, type WitnessState } from '@modstead/gomod/checkpoint/witness'
import { parseNote, type Signer, type Verifier } from '@modstead/gomod/note'
import { equalHashes } from '@modstead/gomod/tlog/hash'
import type { Tree } from '@modstead/gomod/tlog/tree'
import type { Logger } from '../observe/observer.ts'
import type { WitnessMemory } from './witness-memory.ts'

export interface OtherLogsOptions {
  /** Made by `createCosigner`. */
  cosigner: Signer
  /** Keys of the logs, called as those are; several of one name are those of one log. */
  logs: readonly Verifier[]
  memory: WitnessMemory
  log: Logger
}

/** The head of a log that was cosigned last; `undefined` where none was. */
export interface WatchedLog {
  name: string
  head: Tree | undefined
}

export interface WitnessOfOthers {
  /** Whether nothing was remembered at the start: it is new, or has lost its memory. */
  readonly isNew: boolean
  /**
   * Answers the body of an add-checkpoint request. A head is remembered for good before its cosignature is given. Throws
   * `store_unavailable` where that fails; then nothing is given and nothing is taken for cosigned.
   */
  answer(body: Uint8Array): Promise<WitnessAnswer>
  logs(): WatchedLog[]
}

/**
 * A witness of logs that others run. What it remembers of logs that are not named any more it keeps, so that a log
 * that is named again goes on where it was. Throws what reading its memory throws.
 */
export async function createWitnessOfOthers({
  cosigner,
  logs,
  memory,
  log,
}: OtherLogsOptions): Promise<WitnessOfOthers> {
  const remembered = await memory.read()
  const heads = new Map(remembered)
  const names = [...new Set(logs.map(({ name }) => name))]
  let state: WitnessState = new Map(
    names.map((name) => [
      name,
      { verifiers: logs.filter((verifier) => verifier.name === name), head: heads.get(name) },
    ]),
  )
  // From the start on, a state that is missing is one that was lost.
  if (remembered === undefined) await memory.write(heads)
  let turn: Promise<unknown> = Promise.resolve()

  async function judge(body: Uint8Array): Promise<WitnessAnswer> {
    const { answer, state: next } = answerAddCheckpoint(state, body, [cosigner])
    if (next === state) {
      if (answer.status === 409 || answer.status === 422) warn(answer, body)
      return answer
    }
    const changed = [...next].filter(
      ([name, { head }]) => head !== undefined && !isSame(heads.get(name), head),
    )
    if (changed.length > 0) {
      const later = new Map(heads)
      for (const [name, { head }] of changed) later.set(name, head!)
      await memory.write(later)
      for (const [name, { head }] of changed) heads.set(name, head!)
    }
    state = next
    return answer
  }

  /** A log has signed what does not continue what it signed before, or somebody sends such a thing in its name. */
  function warn({ body: said }: WitnessAnswer, body: Uint8Array): void {
    const { checkpoint } = parseAddCheckpoint(body)
    const { origin, tree } = parseCheckpoint(parseNote(checkpoint).text)
    const head = state.get(origin)?.head
    // Who does not know at what size we are asks again.
    if (head !== undefined && tree.size >= head.size && /^\d+\n$/.test(Buffer.from(said).toString())) return
    log.warn(
      { log: origin, cosigned: head?.size, asked: tree.size, checkpoint: Buffer.from(checkpoint).toString() },
      'a signed head was not cosigned, for it is not proven to continue the one cosigned last',
    )
  }

  return {
    isNew: remembered === undefined,
    answer(body) {
      // One after the other: a request that is judged by a state that is about to change could be a second history.
      const mine = turn.then(() => judge(body))
      turn = mine.catch(() => undefined)
      return mine
    },
    logs: () => [...state].map(([name, { head }]) => ({ name, head })),
  }
}

function isSame(a: Tree | undefined, b: Tree): boolean {
  return a !== undefined && a.size === b.size && equalHashes(a.hash, b.hash)
}
