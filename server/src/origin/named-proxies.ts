import type { Origin } from '../proxy/origin.ts'

/**
 * The module proxies that go-import pages name. Strangers write those pages: only some are kept open, with their
 * connections, and those that nobody uses make room for others.
 */
export interface NamedProxies {
  /** The one at a base URL. It is opened when it is asked for something. */
  at(url: URL): Origin
  close(): Promise<void>
}

interface Open {
  origin: Origin
  users: number
}

/** How many are open though nobody uses them. */
const MOST_AT_REST = 16

export function createNamedProxies(open: (url: URL) => Origin): NamedProxies {
  /** Least recently used first. */
  const known = new Map<string, Open>()
  const closing = new Set<Promise<void>>()

  /** Takes one into use. Gives what ends that, which may be called twice. */
  function take(url: URL): { origin: Origin; leave: () => void } {
    const entry = known.get(url.href) ?? { origin: open(url), users: 0 }
    known.delete(url.href)
    known.set(url.href, entry)
    entry.users++
    let used = true
    return {
      origin: entry.origin,
      leave() {
        if (used) entry.users--
        used = false
        dropSome()
      },
    }
  }

  function dropSome(): void {
    let atRest = 0
    for (const [href, { origin, users }] of [...known].toReversed()) {
      if (users > 0 || ++atRest <= MOST_AT_REST) continue
      known.delete(href)
      const closed: Promise<void> = origin.close().finally(() => closing.delete(closed))
      closing.add(closed)
      closed.catch(() => undefined) // `close` hears of it
    }
  }

  async function using<T>(url: URL, work: (origin: Origin) => Promise<T>): Promise<T> {
    const { origin, leave } = take(url)
    try {
      return await work(origin)
    } finally {
      leave()
    }
  }

  return {
    at: (url) => ({
      name: url.href,
      speculative: false,
      versions: (module, options) => using(url, (origin) => origin.versions(module, options)),
      resolve: (module, query, options) => using(url, (origin) => origin.resolve(module, query, options)),
      goMod: (module, version, options) => using(url, (origin) => origin.goMod(module, version, options)),
      async zip(module, version, options) {
        const { origin, leave } = take(url)
        options.signal.addEventListener('abort', leave, { once: true })
        try {
          const source = await origin.zip(module, version, options)
          return { ...source, chunks: followed(source.chunks, leave) }
        } catch (error) {
          leave()
          throw error
        }
      },
      close: () => Promise.resolve(),
    }),
    async close() {
      const origins = Array.from(known.values(), ({ origin }) => origin.close())
      known.clear()
      await Promise.all([...origins, ...closing])
    },
  }
}

async function* followed(chunks: AsyncIterable<Buffer>, over: () => void): AsyncGenerator<Buffer> {
  try {
    yield* chunks
  } finally {
    over()
  }
}
