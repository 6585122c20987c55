import { storeError } from '../../../disk-errors.ts'
import { quotable } from '../../plain-text.ts'

/** How git says in the language C that it could not write. What the other side says stands behind `remote: ` or
 * `fatal: remote error: `. */
const WORDS: readonly (readonly [words: RegExp, code: string])[] = [
  [/^(?:fatal|error): (?!remote error: ).*(?:No space left on device|Out of diskspace)/im, 'ENOSPC'],
  [/^(?:fatal|error): (?!remote error: ).*Disk quota exceeded/im, 'EDQUOT'],
]

/**
 * The failure of our disk that stands in the words of a git that failed, as `store_unavailable`; `undefined` where they
 * speak of something else. `doing` completes "modstead could not …".
 */
export function diskFailure(said: string, doing: string): Error | undefined {
  const found = WORDS.find(([words]) => words.test(said))
  return found && systemFailure(found[1], quotable(said), doing)
}

/** What a failure of the system is of which a process or a thread gave only the code and the words. */
export function systemFailure(code: string, said: string, doing: string): Error {
  return storeError(Object.assign(new Error(said), { code }), doing)
}
