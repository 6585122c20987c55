import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto'
import { seal, unseal } from './seal.ts'

/**
 * Lets somebody leave a text for whoever holds a secret, without knowing it: X25519 (RFC 7748) between a key that comes
 * of the secret and one made for this text alone, then `seal`. What is kept of either says nothing.
 */
export function letterboxOf(secret: string): string {
  return rawPublic(keyOf(secret))
}

/** Closes a text for a letterbox. */
export function leave(text: string, letterbox: string, purpose: string): string {
  const { privateKey, publicKey } = generateKeyPairSync('x25519')
  const shared = diffieHellman({ privateKey, publicKey: publicOf(letterbox) })
  const own = publicKey.export({ format: 'jwk' }).x!
  return `${own}.${seal(text, shared.toString('base64url'), `${purpose} ${own} ${letterbox}`)}`
}

/** The text again. Throws for another secret or purpose, and for what was tampered with. */
export function take(left: string, secret: string, purpose: string): string {
  const [other = '', sealed = ''] = left.split('.')
  const privateKey = keyOf(secret)
  const shared = diffieHellman({ privateKey, publicKey: publicOf(other) })
  return unseal(sealed, shared.toString('base64url'), `${purpose} ${other} ${rawPublic(privateKey)}`)
}

/** PKCS #8 of an X25519 key (RFC 8410), up to its 32 bytes. */
const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex')

function keyOf(secret: string): KeyObject {
  const seed = Buffer.from(hkdfSync('sha256', secret, '', 'modstead letterbox', 32))
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
}

function rawPublic(key: KeyObject): string {
  return createPublicKey(key).export({ format: 'jwk' }).x!
}

function publicOf(x: string): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' })
}
