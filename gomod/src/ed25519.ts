/** Ed25519 (RFC 8032) with keys as the 32 bytes that notes carry. */
import { createPrivateKey, createPublicKey, verify, type KeyObject } from 'node:crypto'

/** The check of signatures by `key`, the 32 bytes of a public key; `undefined` for another length. */
export function ed25519Verify(
  key: Uint8Array,
): ((message: Uint8Array, signature: Uint8Array) => boolean) | undefined {
  if (key.length !== 32) return undefined
  const x = Buffer.from(key).toString('base64url')
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  return (message, signature) => signature.length === 64 && verify(null, message, publicKey, signature)
}

/** The private key with this seed of 32 bytes. */
export function privateKeyOfSeed(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' })
}

/** The 32 bytes of the public key that belongs to a private one. */
export function publicKeyOf(privateKey: KeyObject): Uint8Array {
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
  return Buffer.from(x!, 'base64url')
}

/** The DER of an Ed25519 private key up to its 32 bytes (RFC 8410). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')
