import type { ModulePath } from '@modstead/gomod/path'
import type { Logger } from '../../observe/observer.ts'

/** A repository that is kept, as push hooks may call it. */
export interface KnownRepository {
  /** Tells it from others at the same URL, which are asked as somebody else. */
  readonly key: string
  /** Its URL, without credentials. */
  readonly url: string
  /** The path that modules in it begin with. */
  readonly root: string
  /** Modules in it that were asked for. */
  modules(): readonly ModulePath[]
  /** Asks for its refs anew: an answer that began before the call does not count. */
  renew(): Promise<void>
}

/** What a push hook says; see `http/push-hint.ts`. */
export interface Push {
  hook: string
  repository: readonly string[]
}

export interface Pushes {
  /** Returns at once; `unknown` where none of the names is that of a repository that is kept. */
  onPush(push: Push): 'accepted' | 'unknown'
  close(): Promise<void>
}

export interface PushesOptions {
  /** The repositories that are known now. */
  repositories(): Iterable<KnownRepository>
  /**
   * Makes the repositories of stored modules known: after a start nobody has asked for them yet. Called once, when a
   * hook names one that is not known.
   */
  learn(signal: AbortSignal): Promise<void>
  /** Asks for the lists of a module, and fetches what is new in them. */
  refresh(module: ModulePath, signal: AbortSignal): Promise<void>
  log: Logger
}

/** How long a hint waits for others of the same push, and how long a repository is left alone after it. Milliseconds. */
const GATHER = 200
const REST = 2_000

/**
 * Makes refreshes of hints: one for all that come at once, and none for what is not kept. A hint names no place to go to;
 * it is compared with the places we go to anyway.
 */
export function createPushes({ repositories, learn, refresh, log }: PushesOptions): Pushes {
  const closing = new AbortController()
  const running = new Map<string, { again: boolean; done: Promise<void> }>()
  let learning: Promise<void> | undefined

  function matching(push: Push): KnownRepository[] {
    const names = push.repository.map(plainName)
    return [...repositories()].filter(({ url, root }) => {
      const place = plainName(url)
      return names.some((name) => name === plainName(root) || name === place || isEndOf(place, name))
    })
  }

  async function wait(ms: number): Promise<void> {
    const over = Promise.withResolvers<void>()
    const timer = setTimeout(over.resolve, ms)
    closing.signal.addEventListener('abort', () => over.resolve(), { once: true })
    await over.promise
    clearTimeout(timer)
  }

  async function renew(repository: KnownRepository): Promise<void> {
    try {
      await repository.renew()
      for (const module of repository.modules())
        if (!closing.signal.aborted) await refresh(module, closing.signal)
    } catch (error) {
      log.warn({ err: error, repository: repository.url }, 'a repository could not be asked after a push')
    }
  }

  /** A hint that comes while one is heeded makes one more round, however many they are. */
  function heed(repository: KnownRepository): void {
    const { key } = repository
    const current = running.get(key)
    if (current !== undefined) {
      current.again = true
      return
    }
    const entry = { again: true, done: Promise.resolve() }
    const rounds = async (): Promise<void> => {
      await wait(GATHER)
      while (entry.again && !closing.signal.aborted) {
        entry.again = false
        await renew(repository)
        await wait(REST)
      }
      running.delete(key)
    }
    running.set(key, entry)
    entry.done = rounds()
  }

  async function learnAndHeed(push: Push): Promise<void> {
    try {
      learning ??= learn(closing.signal)
      await learning
    } catch (error) {
      learning = undefined
      log.warn({ err: error }, 'the repositories of stored modules could not be found out')
    }
    if (!closing.signal.aborted) for (const repository of matching(push)) heed(repository)
  }

  return {
    onPush(push) {
      const found = matching(push)
      for (const repository of found) heed(repository)
      log.info(
        { hook: push.hook, repository: push.repository[0], known: found.length > 0 },
        'a push was announced',
      )
      if (found.length > 0) return 'accepted'
      void learnAndHeed(push)
      return 'unknown'
    },
    async close() {
      closing.abort()
      await learning?.catch(() => undefined) // said where it was asked for
      await Promise.all(Array.from(running.values(), ({ done }) => done))
    },
  }
}

/** A hook may leave out the host, or the folder that all repositories are in: `group/project`. */
function isEndOf(place: string, name: string): boolean {
  return name.includes('/') && place.endsWith(`/${name}`)
}

/** A URL, `git@host:path` or a name as `host/path` or `path`: without scheme, user, port and `.git`, in lower case. */
function plainName(text: string): string {
  return text
    .toLowerCase()
    .replace(/^[a-z][a-z0-9+.-]*:\/\//, '')
    .replace(/^[^@/]*@/, '')
    .replace(
      /^([^/:]+):(\d+\/|(?!\d))/,
      (_, host: string, rest: string) => `${host}/${/^\d/.test(rest) ? '' : rest}`,
    )
    .replace(/\/+/g, '/')
    .replace(/^\/|\/$|(\.git)\/?$/g, '')
}
