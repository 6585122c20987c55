import { argon2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

/** What OWASP asks for at least of argon2id: 19 MiB, two passes, one lane. The salt and the hash are bytes. */
const ARGON2ID = { memory: 19_456, passes: 2, parallelism: 1, salt: 16, hash: 32 }

/** Characters. */
const SHORTEST = 12
const LONGEST = 1024

/** The hash of a new password as a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`. */
export async function hashPassword(password: string): Promise<string> {
  const { memory, passes, parallelism, salt, hash } = ARGON2ID
  const nonce = randomBytes(salt)
  const parameters = { message: password, nonce, memory, passes, parallelism, tagLength: hash }
  const tag = await promisify(argon2)('argon2id', parameters)
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(nonce)}$${unpadded(tag)}`
}

/** What is wrong with a new password whatever the user wants, as a phrase. */
export function passwordProblem(password: string): string | undefined {
  if (password === '') return 'is empty'
  if (password.length > LONGEST) return `has more than ${LONGEST} characters`
  if (/\p{Cc}/u.test(password)) return 'has control characters'
  return undefined
}

/** Why a new password is easily guessed, as a phrase: a length that NIST SP 800-63B and OWASP would not take, or the name. */
export function passwordWeakness(user: string, password: string): string | undefined {
  const folded = password.normalize('NFKC').toLowerCase()
  const name = user.normalize('NFKC').toLowerCase()
  if (folded.replaceAll(name, '') === '') return 'is the name of the user'
  if (Array.from(password).length < SHORTEST) return `has less than ${SHORTEST} characters`
  if (new Set(folded).size === 1) return 'is one character again and again'
  return undefined
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
