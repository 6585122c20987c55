/**
 * Signed notes: a text, a blank line, and one line for each signature. Tree heads of checksum databases are notes.
 *
 *     go.sum database tree
 *     9
 *     hXwUhCsQeVFlCmEU1vZ9nbMGqDzCB+ZfCu7XKtWvGNs=
 *
 *     — sum.example.com rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n…
 *
 * A signature covers the bytes of the text with its last newline. What follows the name is base64 of four bytes, the
 * key hash, and the signature proper. The rules are those of golang.org/x/mod/sumdb/note and of C2SP's signed-note.
 */
import { createHash, randomBytes, sign, type KeyObject } from 'node:crypto'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { ed25519Verify, privateKeyOfSeed, publicKeyOf } from './ed25519.ts'
import { GomodError } from './error.ts'
import { decodePlainText, encodePlainText } from './plain-text.ts'
import { shown } from './quote.ts'

/** Checks the signatures of one key. Anything of this shape will do: other signature types, keys held elsewhere. */
export interface Verifier {
  readonly name: string
  /** Unsigned 32-bit number: with the name it says which key a signature line is for. */
  readonly keyHash: number
  verify(message: Uint8Array, signature: Uint8Array): boolean
}

/** Makes signatures with one key. */
export interface Signer {
  readonly name: string
  readonly keyHash: number
  sign(message: Uint8Array): Uint8Array
}

/** One signature line. `base64` holds the key hash and the signature proper. */
export interface Signature {
  readonly name: string
  readonly keyHash: number
  readonly base64: string
}

/** A note of which at least one signature was verified. */
export interface Note {
  /** Ends in a newline. */
  readonly text: string
  /** Verified: at most one for each key. */
  readonly signatures: readonly Signature[]
  /** By keys that no verifier was given for. Nothing is known of them but their form. */
  readonly unverified: readonly Signature[]
}

/** Larger notes are refused before anything is computed. */
export const MAX_NOTE_BYTES = 1_000_000

/** Notes with more signature lines are refused. */
export const MAX_SIGNATURES = 100

/**
 * Reads a verifier key, `name+hash+base64(type‖key)`. Throws GomodError `invalid_key` where it is malformed, its hash
 * is not that of its name and key, or its type is not known.
 */
export function parseVerifierKey(vkey: string): Verifier {
  return parseTypedKey(vkey, VERIFIERS)
}

/**
 * Makes `verify` from a public key without its type byte; `undefined` for a key of a wrong length.
 */
export type MakeVerify = (key: Uint8Array) => Verifier['verify'] | undefined

/** As `parseVerifierKey`, for the signature types of `types`, by the first byte of a key. */
export function parseTypedKey(vkey: string, types: ReadonlyMap<number, MakeVerify>): Verifier {
  const fail = (why: string) => new GomodError('invalid_key', `${shown(vkey)} is not a verifier key: ${why}`)
  const [, name = '', hash = '', base64 = ''] = VERIFIER_KEY.exec(vkey) ?? []
  const key = decodeBase64(base64)
  if (!isNoteName(name) || key === undefined)
    throw fail('it must be name+hash+base64, the hash in eight hexadecimal digits')
  const keyHash = parseInt(hash, 16)
  if (keyHash !== hashOfKey(name, key)) throw fail('its hash does not belong to its name and key')
  const makeVerify = types.get(key[0]!)
  if (makeVerify === undefined)
    throw fail(`keys of type ${key[0]} are not known here, but ${[...types.keys()].join(', ')}`)
  const verify = makeVerify(key.subarray(1))
  if (verify === undefined) throw fail('the key has a wrong length')
  return { name, keyHash, verify }
}

/**
 * Reads a signer key, `PRIVATE+KEY+name+hash+base64(type‖seed)`. Throws GomodError `invalid_key`, whose message never
 * holds the key.
 */
export function parseSignerKey(skey: string): Signer {
  const fail = (why: string) => new GomodError('invalid_key', `this is not a signer key: ${why}`)
  const [, name = '', hash = '', base64 = ''] = SIGNER_KEY.exec(skey) ?? []
  const key = decodeBase64(base64)
  if (!isNoteName(name) || key === undefined)
    throw fail('it must be PRIVATE+KEY+name+hash+base64, the hash in eight hexadecimal digits')
  if (key[0] !== ED25519) throw fail(`keys of type ${key[0]} are not known`)
  if (key.length !== 1 + 32) throw fail('the key has a wrong length')
  const privateKey = privateKeyOfSeed(key.subarray(1))
  const keyHash = parseInt(hash, 16)
  if (keyHash !== hashOfKey(name, encodedPublicKey(privateKey)))
    throw fail('its hash does not belong to its name and key')
  return { name, keyHash, sign: (message) => sign(null, message, privateKey) }
}

/**
 * A new Ed25519 key pair for the database or witness `name`. `seed` is 32 bytes, random by default; whoever has it
 * has the key. Throws GomodError `invalid_key` for a name that no key may have, or a seed of another length.
 */
export function generateKey(
  name: string,
  seed: Uint8Array = randomBytes(32),
): { skey: string; vkey: string } {
  if (!isNoteName(name))
    throw new GomodError('invalid_key', `${shown(name)} cannot name a key: no spaces and no +`)
  if (seed.length !== 32)
    throw new GomodError('invalid_key', `a key needs a seed of 32 bytes, not ${seed.length}`)
  const publicKey = encodedPublicKey(privateKeyOfSeed(seed))
  const id = formatKeyId(name, hashOfKey(name, publicKey))
  const skey = `PRIVATE+KEY+${id}+${encodeBase64(Uint8Array.of(ED25519, ...seed))}`
  return { skey, vkey: `${id}+${encodeBase64(publicKey)}` }
}

/** The verifier key that belongs to a signer key. Throws GomodError `invalid_key`, whose message never holds the key. */
export function verifierKeyOf(skey: string): string {
  const { name } = parseSignerKey(skey)
  const [, , , base64 = ''] = SIGNER_KEY.exec(skey)!
  return generateKey(name, decodeBase64(base64)!.subarray(1)).vkey
}

/** How messages name a key: `name+c74f20a3`. */
export function formatKeyId(name: string, keyHash: number): string {
  return `${name}+${keyHash.toString(16).padStart(8, '0')}`
}

/**
 * The bytes of a note with `text`, which must end in a newline. Signatures of `existing` come first, those made now
 * after them; an existing one is left out where one of the signers has its key. Throws GomodError `invalid_note` for
 * what `openNote` would refuse, and `invalid_key` for a signer with an invalid name.
 */
export function signNote(
  text: string,
  signers: readonly Signer[],
  existing: readonly Signature[] = [],
): Uint8Array {
  const message = text.endsWith('\n') ? encodePlainText(text) : undefined
  if (message === undefined)
    throw new GomodError(
      'invalid_note',
      'the text of a note must end in a newline and have no control characters',
    )
  const signing = new Set(signers.map(keyIdOf))
  const lines: string[] = []
  for (const signature of existing) {
    const { name, keyHash, base64 } = signature
    if (signing.has(keyIdOf(signature))) continue
    if (parseSignature(`${name} ${base64}`)?.keyHash !== keyHash)
      throw new GomodError('invalid_note', `the existing signature by ${shown(name)} is malformed`)
    lines.push(`— ${name} ${base64}\n`)
  }
  for (const signer of signers)
    lines.push(`— ${signer.name} ${encodeBase64(signatureBytes(signer, message))}\n`)
  const note = Buffer.concat([message, Buffer.from(`\n${lines.join('')}`)])
  if (lines.length === 0 || lines.length > MAX_SIGNATURES || note.length > MAX_NOTE_BYTES)
    throw new GomodError(
      'invalid_note',
      `a note has 1 to ${MAX_SIGNATURES} signatures and at most ${MAX_NOTE_BYTES} bytes`,
    )
  return note
}

/** The parts of a note of which nothing is verified, for display. Throws GomodError `invalid_note`. */
export function parseNote(bytes: Uint8Array): { text: string; signatures: Signature[] } {
  if (bytes.length > MAX_NOTE_BYTES) throw malformed(`it has more than ${MAX_NOTE_BYTES} bytes`)
  const whole = decodePlainText(bytes)
  if (whole === undefined) throw malformed('it is not UTF-8, or has control characters')
  const blank = whole.lastIndexOf('\n\n')
  if (blank < 0) throw malformed('no blank line stands between text and signatures')
  if (!whole.endsWith('\n') || blank + 2 === whole.length)
    throw malformed('it does not end in a signature line')
  const lines = whole.slice(blank + 2, -1).split('\n')
  if (lines.length > MAX_SIGNATURES) throw malformed(`it has more than ${MAX_SIGNATURES} signatures`)
  const signatures = lines.map((line) => {
    const signature = line.startsWith('— ') ? parseSignature(line.slice(2)) : undefined
    if (signature === undefined) throw malformed(`${shown(line)} is not a signature line`)
    return signature
  })
  return { text: whole.slice(0, blank + 1), signatures }
}

/**
 * Opens a note: every signature by a key of `verifiers` must be valid, and there must be one. Signatures by other
 * keys are returned apart; repetitions are dropped. Throws GomodError `invalid_note` where the bytes are no note;
 * `unverified_note` where a signature of a known key is wrong, no known key has signed, or two verifiers claim to be
 * the key of a signature (then the list of verifiers cannot be trusted).
 */
export function openNote(bytes: Uint8Array, verifiers: readonly Verifier[]): Note {
  const { text, signatures } = parseNote(bytes)
  const message = bytes.subarray(0, Buffer.byteLength(text))
  const verified = new Map<string, Signature>()
  const unverified = new Map<string, Signature>()
  for (const signature of signatures) {
    const keyId = keyIdOf(signature)
    const known = verifiers.filter((verifier) => keyIdOf(verifier) === keyId)
    if (known.length > 1)
      throw new GomodError('unverified_note', `two verifiers are given for the key ${keyId}`)
    if (known[0] === undefined) unverified.set(`${keyId} ${signature.base64}`, signature)
    else if (!verified.has(keyId)) {
      if (!known[0].verify(message, decodeBase64(signature.base64)!.subarray(4)))
        throw new GomodError('unverified_note', `the signature of the note by the key ${keyId} is not valid`)
      verified.set(keyId, signature)
    }
  }
  if (verified.size === 0) {
    const wanted = verifiers.map(keyIdOf).join(', ') || 'none'
    const found = Array.from(new Set(signatures.map(keyIdOf))).join(', ')
    throw new GomodError(
      'unverified_note',
      `no known key has signed the note: known are ${wanted}; it is signed by ${found}`,
    )
  }
  return { text, signatures: [...verified.values()], unverified: [...unverified.values()] }
}

/**
 * The unsigned 32-bit number that stands for a key: the first four bytes of SHA-256 of its name, a newline, and `key`,
 * which starts with its type byte.
 */
export function hashOfKey(name: string, key: Uint8Array): number {
  return createHash('sha256').update(`${name}\n`).update(key).digest().readUInt32BE()
}

/** Whether a key may have this name: not empty, no `+`, no Unicode spaces. */
export function isNoteName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !FORBIDDEN_IN_NAME.test(name)
}

const ED25519 = 1

const VERIFIERS: ReadonlyMap<number, MakeVerify> = new Map([[ED25519, ed25519Verify]])

// Base64 has pluses too: only those before it divide.
const VERIFIER_KEY = /^([^+]+)\+([0-9a-fA-F]{8})\+(.+)$/s
const SIGNER_KEY = /^PRIVATE\+KEY\+([^+]+)\+([0-9a-fA-F]{8})\+(.+)$/s
const FORBIDDEN_IN_NAME = /[+\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/

function encodedPublicKey(privateKey: KeyObject): Uint8Array {
  return Uint8Array.of(ED25519, ...publicKeyOf(privateKey))
}

function signatureBytes(signer: Signer, message: Uint8Array): Uint8Array {
  if (!isNoteName(signer.name))
    throw new GomodError('invalid_key', `${shown(signer.name)} cannot name a key: no spaces and no +`)
  const keyHash = Buffer.alloc(4)
  keyHash.writeUInt32BE(signer.keyHash)
  return Buffer.concat([keyHash, signer.sign(message)])
}

/** Reads `name base64`. */
function parseSignature(line: string): Signature | undefined {
  const space = line.indexOf(' ')
  const name = line.slice(0, Math.max(space, 0))
  const base64 = line.slice(space + 1)
  const bytes = decodeBase64(base64)
  if (!isNoteName(name) || bytes === undefined || bytes.length < 5) return undefined
  return { name, keyHash: Buffer.from(bytes).readUInt32BE(), base64 }
}

function keyIdOf({ name, keyHash }: { name: string; keyHash: number }): string {
  return formatKeyId(name, keyHash)
}

function malformed(why: string): GomodError {
  return new GomodError('invalid_note', `this is not a signed note: ${why}`)
}
