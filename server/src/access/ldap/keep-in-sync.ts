import type { Observer } from '../../observe/observer.ts'
import type { KnownUsers } from './known-users.ts'

export interface SyncOptions {
  users: Pick<KnownUsers, 'sync' | 'counts'>
  /** Names the directory in messages. */
  name: string
  /** How often. Milliseconds. */
  every: number
  /** Whether its age and counts are among the metrics: for one directory of a server. */
  measured: boolean
  observer: Observer
  /** Milliseconds; need not be the time of day. */
  now: () => number
}

export interface Sync {
  /** A sentence for whoever runs the server when the last sync was too long ago. */
  warnings(): readonly string[]
  /** Stops, and waits for a sync that runs. */
  stop(): Promise<void>
}

/** After a sync that failed, the next one comes after this time, doubled each time up to the usual. Milliseconds. */
const AGAIN = 5_000

/** A sync that takes longer has failed. Milliseconds. */
const LONGEST = 600_000

/**
 * Reads the users again and again, first at once. Each time a little earlier than `every`, by chance, so that many
 * servers do not ask the directory at the same moment.
 */
export function keepInSync({ users, name, every, measured, observer, now }: SyncOptions): Sync {
  const began = now()
  const stopping = new AbortController()
  const outcomes = observer.counter('modstead_ldap_syncs_total', 'Syncs of the directory by outcome.', [
    'outcome',
  ])
  let last: number | undefined
  let failures = 0
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined

  const age = (): number => now() - (last ?? began)
  if (measured) {
    const { gauge } = observer
    gauge('modstead_ldap_sync_age_seconds', 'Time since the last sync that went well.', () => age() / 1000)
    gauge('modstead_ldap_users', 'Users of the directory who are known.', () => users.counts().users)
    gauge('modstead_ldap_groups', 'Groups that those users are in.', () => users.counts().groups)
  }

  async function sync(): Promise<void> {
    const start = now()
    try {
      await users.sync(AbortSignal.any([stopping.signal, AbortSignal.timeout(LONGEST)]))
      if (failures > 0)
        observer.log.info({ directory: name }, 'users and groups are read from the directory again')
      failures = 0
      last = start
      outcomes.add(1, 'ok')
    } catch (error) {
      if (stopping.signal.aborted) return
      failures++
      outcomes.add(1, 'failed')
      observer.log.warn(
        { err: error, directory: name },
        'users and groups could not be read from the directory: they stay as they were',
      )
    }
    if (!stopping.signal.aborted) schedule()
  }

  function start(): void {
    running = sync()
  }

  function schedule(): void {
    const wait = failures === 0 ? every : Math.min(every, AGAIN * 2 ** Math.min(failures - 1, 16))
    timer = setTimeout(start, wait * (0.8 + Math.random() * 0.15))
    timer.unref()
  }

  start()
  return {
    warnings() {
      const old = age()
      return old > 2 * every
        ? [`users and groups were last read from the directory ${name} ${Math.round(old / 1000)} s ago`]
        : []
    },
    async stop() {
      stopping.abort()
      clearTimeout(timer)
      await running
    },
  }
}
