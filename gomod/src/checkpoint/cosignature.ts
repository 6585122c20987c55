/**
 * Cosignatures: what a witness says of a checkpoint, namely that at a time it was the largest it had seen of that log
 * and continued all it had seen before. They are signature lines of notes, of the type `cosignature/v1` in C2SP's
 * tlog-cosignature: eight bytes of time, seconds since 1970 in big-endian order, and an Ed25519 signature over
 *
 *     cosignature/v1
 *     time 1679315147
 *
 * and the text of the checkpoint. The key of a witness is that of an Ed25519 signer with another type byte, 4, so that
 * one signer key gives both; but the message does not hold the witness's name, so two witnesses must not share a key.
 */
import { decodeBase64, encodeBase64 } from '../base64.ts'
import { ed25519Verify } from '../ed25519.ts'
import { GomodError } from '../error.ts'
import {
  formatKeyId,
  hashOfKey,
  openNote,
  parseSignerKey,
  parseTypedKey,
  verifierKeyOf,
  type Signature,
  type Signer,
  type Verifier,
} from '../note.ts'

export interface Cosignature {
  readonly signature: Signature
  /** When the witness gave it, in seconds since 1970. */
  readonly time: number
}

/**
 * Reads the verifier key of a witness, of type 4. Throws GomodError `invalid_key`. Its `verify` takes the text of a
 * checkpoint as the message; times beyond 2^53 are taken for none.
 */
export function parseWitnessKey(vkey: string): Verifier {
  return parseTypedKey(vkey, new Map([[COSIGNATURE_V1, cosignatureVerify]]))
}

/** The verifier key of the witness that cosigns with `skey`. Throws GomodError `invalid_key`, without the key. */
export function witnessKeyOf(skey: string): string {
  const { name, key } = witnessPublicKey(skey)
  return `${formatKeyId(name, hashOfKey(name, key))}+${encodeBase64(key)}`
}

/**
 * A signer that cosigns. `skey` is a signer key as `generateKey` makes it; `now` gives the time in whole seconds since
 * 1970. Throws GomodError `invalid_key`, whose message never holds the key; signing throws RangeError for a time that
 * is none.
 */
export function createCosigner(skey: string, now: () => number): Signer {
  const { name, sign } = parseSignerKey(skey)
  return {
    name,
    keyHash: hashOfKey(name, witnessPublicKey(skey).key),
    sign(message) {
      const time = now()
      if (!Number.isSafeInteger(time) || time < 0)
        throw new RangeError(`${time} is not a time in seconds since 1970`)
      const stamp = Buffer.alloc(TIME_SIZE)
      stamp.writeBigUInt64BE(BigInt(time))
      return Buffer.concat([stamp, sign(cosignedMessage(time, message))])
    },
  }
}

/**
 * Checks the cosignatures in `lines`, signature lines as a witness answers them, for the checkpoint with this `text`:
 * gives those by keys of `witnesses`, and leaves out those by other keys. Throws GomodError `invalid_note` where these
 * are no signature lines, and `unverified_note` where one is wrong or none is by a key of `witnesses`.
 */
export function openCosignatures(
  text: string,
  lines: Uint8Array,
  witnesses: readonly Verifier[],
): Cosignature[] {
  const note = openNote(Buffer.concat([Buffer.from(`${text}\n`), lines]), witnesses)
  // A blank line among the lines would make the note one with another text.
  if (note.text !== text)
    throw new GomodError('invalid_note', 'the cosignatures are not signature lines: there is a blank line')
  return note.signatures.map((signature) => ({ signature, time: timeOf(signatureProper(signature))! }))
}

/** The signature line, with its newline. */
export function formatSignatureLine({ name, base64 }: Signature): string {
  return `— ${name} ${base64}\n`
}

const COSIGNATURE_V1 = 4
const TIME_SIZE = 8

function cosignatureVerify(key: Uint8Array): Verifier['verify'] | undefined {
  const verify = ed25519Verify(key)
  if (verify === undefined) return undefined
  return (message, signature) => {
    const time = timeOf(signature)
    return time !== undefined && verify(cosignedMessage(time, message), signature.subarray(TIME_SIZE))
  }
}

function timeOf(signature: Uint8Array): number | undefined {
  if (signature.length < TIME_SIZE) return undefined
  const time = Number(Buffer.from(signature).readBigUInt64BE())
  return Number.isSafeInteger(time) ? time : undefined
}

/** Without the key hash in front. */
function signatureProper({ base64 }: Signature): Uint8Array {
  return decodeBase64(base64)!.subarray(4)
}

function cosignedMessage(time: number, text: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`cosignature/v1\ntime ${time}\n`), text])
}

/** The name, and the type byte with the public key. */
function witnessPublicKey(skey: string): { name: string; key: Uint8Array } {
  const vkey = verifierKeyOf(skey)
  const { name, keyHash } = parseSignerKey(skey)
  const key = decodeBase64(vkey.slice(formatKeyId(name, keyHash).length + 1))!
  return { name, key: Uint8Array.of(COSIGNATURE_V1, ...key.subarray(1)) }
}
