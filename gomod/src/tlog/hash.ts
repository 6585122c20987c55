/**
 * The hashes of a transparency log, as RFC 6962 section 2.1 defines them.
 *
 * A hash is 32 bytes in a Uint8Array of its own: V8 keeps arrays this small on its heap, so that they cost little to
 * make, and tiles, proofs and database rows are such bytes already. Digests are asked of node:crypto as strings of
 * bytes (`binary`), because that is twice as fast as asking for a buffer: 0.4 microseconds a node in all.
 */
import { hash as digest } from 'node:crypto'
import { decodeBase64, encodeBase64 } from '../base64.ts'
import { GomodError } from '../error.ts'
import { shown } from '../quote.ts'

/** A SHA-256 hash: exactly 32 bytes, never changed once it is made. */
export type Hash = Uint8Array

/** Bytes in a hash. */
export const HASH_SIZE = 32

/** The hash of a record: SHA-256 of a zero byte and its text. */
export function recordHash(record: Uint8Array): Hash {
  const leaf = Buffer.allocUnsafe(1 + record.length)
  leaf[0] = 0
  leaf.set(record, 1)
  return fromBinary(digest('sha256', leaf, 'binary'))
}

/** The hash of an inner node: SHA-256 of a one byte and the hashes of its two children. */
export function nodeHash(left: Hash, right: Hash): Hash {
  node.set(left, 1)
  node.set(right, 1 + HASH_SIZE)
  return fromBinary(digest('sha256', node, 'binary'))
}

/** The hash of the tree without records: SHA-256 of nothing. */
export function emptyTreeHash(): Hash {
  return fromBinary(digest('sha256', '', 'binary'))
}

/**
 * The root of the perfect tree whose leaves are the hashes in `hashes`, one after the other: a power of two of them.
 * Throws GomodError `invalid_hash` for another number of bytes.
 */
export function subtreeHash(hashes: Uint8Array): Hash {
  let count = hashes.length / HASH_SIZE
  if (!(count >= 1 && Number.isInteger(Math.log2(count))))
    throw new GomodError('invalid_hash', `${hashes.length} bytes are not the leaves of a perfect tree`)
  // Each row is written over the one below it: no parent ends beyond its children.
  const row = Buffer.from(hashes)
  for (; count > 1; count /= 2) {
    for (let i = 0; i < count; i += 2) {
      row.copy(node, 1, i * HASH_SIZE, (i + 2) * HASH_SIZE)
      row.write(digest('sha256', node, 'binary'), (i / 2) * HASH_SIZE, 'latin1')
    }
  }
  return hashAt(row, 0)
}

/** A copy of the hash number `i` of hashes that stand one after the other, as in a tile. */
export function hashAt(hashes: Uint8Array, i: number): Hash {
  const hash = new Uint8Array(HASH_SIZE)
  hash.set(hashes.subarray(i * HASH_SIZE, (i + 1) * HASH_SIZE))
  return hash
}

export function equalHashes(a: Hash, b: Hash): boolean {
  return Buffer.compare(a, b) === 0
}

/** The text form of a hash in tree heads: base64. */
export function formatHash(hash: Hash): string {
  return encodeBase64(hash)
}

/** Reads `formatHash`'s text. Throws GomodError `invalid_hash`. */
export function parseHash(text: string): Hash {
  const hash = decodeBase64(text)
  if (hash?.length !== HASH_SIZE)
    throw new GomodError('invalid_hash', `${shown(text)} is not a hash: 32 bytes in base64`)
  return hash
}

/** Scratch space for hashing a node; nothing here waits, so one is enough. */
const node = Buffer.alloc(1 + 2 * HASH_SIZE, 1)

function fromBinary(text: string): Hash {
  const hash = new Uint8Array(HASH_SIZE)
  for (let i = 0; i < HASH_SIZE; i++) hash[i] = text.charCodeAt(i)
  return hash
}
