import { argon2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { verify as verifyBcrypt } from '@node-rs/bcrypt'

/** A password as an htpasswd file has it. */
export interface PasswordHash {
  /** What it is, for people: `bcrypt (cost 10)`, `argon2id (m=19456, t=2, p=1)`. */
  form: string
  /** How much work it is to compare, for choosing a stand-in. */
  cost: number
  /** Computes in a thread of the system's pool. */
  matches(password: string): Promise<boolean>
}

/** bcrypt reads no more, and cuts silently. Bytes. */
const BCRYPT_LONGEST = 72
/** What a file may make us spend on one comparison. KiB, passes. */
const MOST = { memory: 1 << 20, passes: 64, lanes: 16, bcrypt: 15 }

/**
 * Reads one hash: bcrypt as `$2a$`, `$2b$` or `$2y$` with a cost of 4 to 15, or argon2id as a PHC string
 * (`$argon2id$v=19$m=65536,t=3,p=4$SALT$HASH`) of 1 GiB at most. For anything else, a phrase about what is wrong.
 */
export function parsePasswordHash(text: string): PasswordHash | string {
  const bcrypt = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(text)
  if (bcrypt !== null) {
    const cost = Number(bcrypt[1])
    if (cost < 4 || cost > MOST.bcrypt)
      return `has a bcrypt cost of ${cost}, and 4 to ${MOST.bcrypt} are taken`
    return {
      form: `bcrypt (cost ${cost})`,
      cost,
      async matches(password) {
        const right = await verifyBcrypt(password, text)
        return right && Buffer.byteLength(password) <= BCRYPT_LONGEST
      },
    }
  }
  const argon =
    /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/
  const [, m, t, p, salt, hash] = argon.exec(text) ?? []
  if (salt === undefined || hash === undefined) return UNKNOWN.find(([form]) => form.test(text))?.[1] ?? OTHER
  const [memory, passes, lanes] = [Number(m), Number(t), Number(p)]
  if (
    lanes < 1 ||
    lanes > MOST.lanes ||
    passes < 1 ||
    passes > MOST.passes ||
    memory < 8 * lanes ||
    memory > MOST.memory
  )
    return 'has argon2id parameters that are not taken: at most m=1048576, t=64, p=16'
  const expected = Buffer.from(hash, 'base64')
  return {
    form: `argon2id (m=${memory}, t=${passes}, p=${lanes})`,
    cost: 8 + Math.log2(Math.max(1, (memory * passes) / 4096)),
    async matches(password) {
      const found = await promisify(argon2)('argon2id', {
        message: password,
        nonce: Buffer.from(salt, 'base64'),
        memory,
        passes,
        parallelism: lanes,
        tagLength: expected.length,
      })
      return timingSafeEqual(found, expected)
    },
  }
}

const OTHER = 'has no bcrypt or argon2id hash'
const UNKNOWN: readonly (readonly [RegExp, string])[] = [
  [
    /^\$apr1\$|^\{SHA\}/,
    'has an MD5 or SHA-1 hash, which is broken within hours: make it anew with htpasswd -B',
  ],
]
