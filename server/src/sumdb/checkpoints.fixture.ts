/** Checkpoints and proofs of a made-up log. */
import assert from 'node:assert/strict'
import { formatAddCheckpoint } from '@modstead/gomod/checkpoint/add-checkpoint'
import { signCheckpoint } from '@modstead/gomod/checkpoint/checkpoint'
import { generateKey, parseSignerKey } from '@modstead/gomod/note'
import { recordHash } from '@modstead/gomod/tlog/hash'
import { storedHashIndex } from '@modstead/gomod/tlog/index'
import { proveTree } from '@modstead/gomod/tlog/proof'
import { createAppender, treeHash } from '@modstead/gomod/tlog/tree'

export const ORIGIN = 'sum.corp.example/log'
export const logKey = generateKey(ORIGIN)

/** A log of ours: `other` are records that differ from those of the log without it from the tenth on. */
export function createLog(size: number, other = '') {
  const appender = createAppender()
  const stored: Uint8Array[] = []
  for (let i = 0; i < size; i++)
    stored.push(...appender.append(recordHash(Buffer.from(`record ${i}${i < 10 ? '' : other}\n`))))
  assert.ok(stored.length >= storedHashIndex(0, size - 1))
  const reader = (indexes: readonly number[]) => indexes.map((index) => stored[index]!)
  return {
    prove: (oldSize: number, newSize: number) => proveTree(newSize, oldSize, reader),
    checkpoint: async (size: number, origin = ORIGIN) =>
      signCheckpoint({ origin, tree: { size, hash: await treeHash(size, reader) }, extensions: [] }, [
        parseSignerKey(logKey.skey),
      ]),
  }
}

/** What a log sends to a witness that cosigned its head over `oldSize` records last. */
export async function addCheckpoint(
  log: ReturnType<typeof createLog>,
  oldSize: number,
  size: number,
): Promise<Uint8Array> {
  const proof = oldSize > 0 && oldSize < size ? await log.prove(oldSize, size) : []
  return formatAddCheckpoint({ oldSize, proof, checkpoint: await log.checkpoint(size) })
}
