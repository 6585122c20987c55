import { stat } from 'node:fs/promises'
import type { Logger } from '../../observe/observer.ts'

/** Why files cannot be used, for the person who put them there. */
export interface FileProblem {
  problem: string
  next: string
}

/** What some files say now. */
export interface WatchedFiles<T> {
  current(): T
  /** Calls back after `current()` has changed. Gives what ends that. */
  onChange(listener: () => void): () => void
  /** Why what the files say by now is not used; `''` when it is. */
  problem(): string
  /** Looks at the files now. Never rejects. */
  look(): Promise<void>
  close(): void
}

export interface WatchOptions<T> {
  paths: readonly string[]
  first: T
  /** Reads the files and checks what is in them. */
  read: () => Promise<T | FileProblem>
  isSame: (one: T, other: T) => boolean
  /** Told of each new value before the listeners are. */
  onNew: (value: T) => void
  log: Logger
  /** How often the files are looked at. Milliseconds. */
  every?: number
}

/** A look is a call of stat for each: watching folders would miss what network file systems and links do. */
const EVERY = 2_000

/**
 * Reads files again when they change, by time, size or symbolic link. What cannot be used leaves what was there before
 * in place, is warned of once, and tried again at each look: two files are often written one after the other.
 */
export function watchFiles<T extends object>(options: WatchOptions<T>): WatchedFiles<T> {
  const { paths, read, isSame, onNew, log, every = EVERY } = options
  const listeners = new Set<() => void>()
  let current = options.first
  // The first values were read before: what was written since then is found by the first look.
  let seen = ''
  let problem = ''
  let looking: Promise<void> | undefined

  async function look(): Promise<void> {
    const before = await signature(paths)
    if (before === seen && problem === '') return
    const value = await read()
    // What was written meanwhile is looked at the next time.
    seen = before
    if ('problem' in value) return keep(value)
    problem = ''
    if (isSame(value, current)) return
    current = value
    onNew(value)
    for (const listener of listeners) listener()
  }

  function keep({ problem: reason, next }: FileProblem): void {
    if (reason === problem) return
    problem = reason
    log.warn({ next }, `${reason}: what was there before stays in use, and the files are tried again`)
  }

  function lookOnce(): Promise<void> {
    looking ??= look()
      .catch((error: unknown) => log.error({ err: error, paths }, 'the files could not be looked at'))
      .finally(() => {
        looking = undefined
      })
    return looking
  }

  const timer = setInterval(() => void lookOnce(), every)
  timer.unref()
  return {
    current: () => current,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    problem: () => problem,
    look: lookOnce,
    close() {
      clearInterval(timer)
      listeners.clear()
    },
  }
}

/** What changes when somebody writes one of the files, or turns a symbolic link on the way to it elsewhere. */
async function signature(paths: readonly string[]): Promise<string> {
  const each = paths.map((path) =>
    stat(path, { bigint: true }).then(
      ({ dev, ino, size, mtimeNs, ctimeNs }) => [dev, ino, size, mtimeNs, ctimeNs].join(' '),
      (error: NodeJS.ErrnoException) => error.code ?? String(error),
    ),
  )
  return (await Promise.all(each)).join('\n')
}
