import { readFile, stat } from 'node:fs/promises'
import { readHtpasswd } from './htpasswd-lines.ts'
import type { PasswordHash } from './password-hash.ts'

/** The users of a file at one time. */
export interface HtpasswdUsers {
  /** The hash of a user's password; `text` is how the file has it. */
  find(user: string): { text: string; hash: PasswordHash } | undefined
  /** The hash that takes longest to compare with: what is computed for users that are not there. */
  dearest: PasswordHash | undefined
}

export interface HtpasswdFileOptions {
  path: string
  /** Told what is wrong with the file, a sentence without secrets each time it was read. */
  warn: (sentence: string) => void
  now: () => number
}

/** How long the file is taken to be as it was. Milliseconds. */
export const LOOKED_AT = 1_000
/** Bytes: 100,000 users. */
export const LARGEST = 16 << 20
const NOBODY: HtpasswdUsers = { find: () => undefined, dearest: undefined }

/**
 * Makes the function that gives the users of an htpasswd file: lines `USER:HASH`, with `#` before comments. The file is
 * read again when its size, time or number changed, at most once a second. One that is gone or cannot be read leaves
 * the users as they were, with a warning: an editor may be writing it.
 */
export function createHtpasswdFile({ path, warn, now }: HtpasswdFileOptions): () => Promise<HtpasswdUsers> {
  let users = NOBODY
  let seen = ''
  let checked = -Infinity
  let running: Promise<void> | undefined
  let complaint = ''

  async function look(): Promise<void> {
    try {
      const { size, mtimeMs, ino } = await stat(path)
      const stamp = `${size} ${mtimeMs} ${ino}`
      if (stamp === seen) return
      if (size > LARGEST) throw new Error('it is larger than 16 MiB')
      users = parse(await readFile(path, 'utf8'), warn)
      seen = stamp
      complaint = ''
    } catch (error) {
      const { message } = error as Error
      if (message !== complaint) warn(`${path} cannot be read, the users stay as they were: ${message}`)
      complaint = message
    }
  }

  return async () => {
    if (now() - checked >= LOOKED_AT)
      running ??= look().finally(() => {
        checked = now()
        running = undefined
      })
    await running
    return users
  }
}

function parse(text: string, warn: (sentence: string) => void): HtpasswdUsers {
  const users = new Map<string, { text: string; hash: PasswordHash }>()
  let dearest: PasswordHash | undefined
  for (const entry of readHtpasswd(text)) {
    const where = `line ${entry.line} of the htpasswd file`
    if ('problem' in entry) {
      warn(`${where} ${entry.problem}; it is left out`)
      continue
    }
    const { user, text: hashed, hash } = entry
    if (users.has(user)) warn(`${where} names a user for the second time; the last line counts`)
    users.set(user, { text: hashed, hash })
    if (dearest === undefined || hash.cost > dearest.cost) dearest = hash
  }
  return { find: (user) => users.get(user), dearest }
}
