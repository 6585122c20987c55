/**
 * Signed heads that are believed without being joined to the one history of the log, because the database cannot be
 * asked for what joins them. They are debts: each is merged as soon as it can be.
 */
import { GomodError } from '../error.ts'
import { equalHashes } from '../tlog/hash.ts'
import type { SignedHead } from './fork.ts'
import { createFlights } from './waiting.ts'

export interface Unjoined {
  /**
   * Takes a head in. Gives the one of the same size that contradicts it, if there is one. Throws GomodError
   * `head_conflict` where too many wait already.
   */
  add(head: SignedHead): SignedHead | undefined
  /**
   * Merges some of the heads, largest first, so that the others are beginnings of it. Those that cannot be merged now
   * stay for the next time; throws `log_fork` where one shows a fork, which is then not tried again.
   */
  settle(signal: AbortSignal): Promise<void>
}

/** Heads that wait at most, of some 200 bytes each. */
const MOST = 10_000
/** Heads merged beside one answer of the database, so that nobody waits long for other people's records. */
const AT_ONCE = 16

export function createUnjoined(merge: (head: SignedHead, signal: AbortSignal) => Promise<unknown>): Unjoined {
  const heads = new Map<number, SignedHead>()
  const share = createFlights<void>()

  async function settleOne(head: SignedHead, signal: AbortSignal): Promise<void> {
    try {
      await merge(head, signal)
      heads.delete(head.tree.size)
    } catch (error) {
      if (!(error instanceof GomodError) || error.code !== 'log_fork') return
      heads.delete(head.tree.size)
      throw error
    }
  }

  return {
    add(head) {
      const other = heads.get(head.tree.size)
      if (other !== undefined) return equalHashes(other.tree.hash, head.tree.hash) ? undefined : other
      if (heads.size >= MOST)
        throw new GomodError('head_conflict', `${MOST} tree heads wait to be joined: ask the database first`)
      heads.set(head.tree.size, head)
      return undefined
    },
    async settle(signal) {
      if (heads.size === 0) return
      await share('settle', signal, async (signal) => {
        const [largest, ...rest] = [...heads.values()].toSorted((a, b) => b.tree.size - a.tree.size)
        await settleOne(largest!, signal)
        await Promise.all(rest.slice(0, AT_ONCE).map((head) => settleOne(head, signal)))
      })
    },
  }
}
