/**
 * Credentials that a host took a short while ago: if it then forbids one repository, it is that repository which it
 * hides. Keys may be revoked at any moment, so that it is not believed for long.
 */
export interface Accepted {
  note(host: string, entry: string): void
  has(host: string, entry: string): boolean
  /** The host does not know who we are: what it said before counts no more. */
  withdraw(host: string, entry: string): void
}

/** How long it is believed. Milliseconds. */
const BELIEVED = 5 * 60_000
const MOST_HOSTS = 10_000

export function createAccepted(now: () => number = Date.now): Accepted {
  const until = new Map<string, number>()
  const keyOf = (host: string, entry: string): string => `${entry} ${host}`
  return {
    note(host, entry) {
      if (until.size >= MOST_HOSTS) until.clear()
      until.set(keyOf(host, entry), now() + BELIEVED)
    },
    has: (host, entry) => (until.get(keyOf(host, entry)) ?? 0) > now(),
    withdraw: (host, entry) => void until.delete(keyOf(host, entry)),
  }
}
