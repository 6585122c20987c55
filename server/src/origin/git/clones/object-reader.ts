import type { Gates } from '../programs/gates.ts'
import { BOUNDED, GIT_SETTINGS, settingsEnvironment } from '../programs/git-environment.ts'
import { startProgram } from '../programs/program.ts'

/** An object of a clone. */
export interface GitObject {
  hash: string
  type: 'commit' | 'tree' | 'blob' | 'tag'
  bytes: Buffer
}

/** Reads objects of one bare repository through a git that is kept for a while, for starting one takes longest. */
export interface ObjectReader {
  /**
   * Objects by name (`HASH`, `HASH^{commit}`, `HASH:path`), in order; `undefined` for those that are not here.
   * Throws `ReaderFailed`, or `ObjectTooLarge` for one of more than `limit` bytes.
   */
  read(names: readonly string[], limit: number, signal: AbortSignal): Promise<(GitObject | undefined)[]>
  /** Ends the kept git. */
  close(): void
}

/** Git ended, or printed nonsense: the repository cannot be read. */
export class ReaderFailed extends Error {
  override readonly name = 'ReaderFailed'
}

export class ObjectTooLarge extends Error {
  override readonly name = 'ObjectTooLarge'
}

/** How long an unused git is kept. Milliseconds. */
const KEPT = 5_000

/** `deadline` is how long one object may take, in milliseconds. */
export function createObjectReader(
  gitDir: string,
  deadline: number,
  { local, resting }: Pick<Gates, 'local' | 'resting'>,
): ObjectReader {
  let running: Reading | undefined
  let turn: Promise<unknown> = Promise.resolve()

  async function readAll(
    names: readonly string[],
    limit: number,
    signal: AbortSignal,
  ): Promise<(GitObject | undefined)[]> {
    signal.throwIfAborted()
    running ??= startReading(gitDir, resting, () => (running = undefined))
    const reading = running
    reading.keep()
    const late = setTimeout(() => reading.fail(new ReaderFailed('git did not answer in time')), deadline)
    const leave = (): void => reading.fail(signal.reason as Error)
    signal.addEventListener('abort', leave, { once: true })
    try {
      const found: (GitObject | undefined)[] = []
      for (const name of names) found.push(await reading.object(name, limit))
      return found
    } finally {
      clearTimeout(late)
      signal.removeEventListener('abort', leave)
      reading.release()
    }
  }

  return {
    read(names, limit, signal) {
      // A name with a line break would be two questions.
      const fit = names.filter((name) => !name.includes('\n'))
      const result = turn.then(() => local.pass(signal, () => readAll(fit, limit, signal)))
      turn = result.catch(() => undefined) // whoever asked hears of it
      if (fit.length === names.length) return result
      return result.then((found) => names.map((name) => found[fit.indexOf(name)]))
    },
    close: () => running?.fail(new ReaderFailed('no longer needed')),
  }
}

interface Reading {
  object(name: string, limit: number): Promise<GitObject | undefined>
  fail(error: Error): void
  keep(): void
  release(): void
}

const HEAD = /^([0-9a-f]{40,64}) (commit|tree|blob|tag) (\d+)$/

function startReading(gitDir: string, resting: Gates['resting'], ended: () => void): Reading {
  const git = startProgram({
    command: 'git',
    args: [`--git-dir=${gitDir}`, 'cat-file', '--batch'],
    env: settingsEnvironment([...GIT_SETTINGS, ...BOUNDED]),
  })
  let held: Buffer[] = []
  let size = 0
  let failure: Error | undefined
  let wake: (() => void) | undefined
  let idle: NodeJS.Timeout | undefined
  let wakeUp: (() => void) | undefined

  const rise = (): void => {
    clearTimeout(idle)
    wakeUp?.()
  }
  const fail = (error: Error): void => {
    if (failure !== undefined) return
    failure = error
    rise()
    ended()
    git.end()
    wake?.()
  }
  git.stdout.on('data', (chunk: Buffer) => {
    held.push(chunk)
    size += chunk.length
    wake?.()
  })
  git.ended.then(() => fail(new ReaderFailed(`git cat-file ended: ${git.said()}`)), fail)

  async function more(): Promise<void> {
    if (failure !== undefined) throw failure
    await new Promise<void>((resolve) => (wake = resolve))
    if (failure !== undefined) throw failure
  }

  /** The bytes so far as one buffer. */
  function joined(): Buffer {
    if (held.length !== 1) held = [Buffer.concat(held, size)]
    return held[0]!
  }

  function take(length: number): Buffer {
    const all = joined()
    held = [all.subarray(length)]
    size -= length
    return all.subarray(0, length)
  }

  async function atLeast(bytes: number): Promise<void> {
    if (size >= bytes) return
    await more()
    return atLeast(bytes)
  }

  async function line(): Promise<string> {
    for (;;) {
      const end = joined().indexOf(0x0a)
      if (end >= 0) return take(end + 1).toString('utf8', 0, end)
      await more()
    }
  }

  return {
    async object(name, limit) {
      if (failure !== undefined) throw failure
      git.stdin.write(`${name}\n`)
      const head = await line()
      const [, hash, type, digits] = HEAD.exec(head) ?? []
      if (hash === undefined) {
        // A submodule names a commit of another repository; newer versions of git say so.
        if (/ (missing|ambiguous|submodule)$/.test(head)) return undefined
        throw new ReaderFailed(`git cat-file said ${head.slice(0, 200)}`)
      }
      const length = Number(digits)
      if (length > limit) {
        const error = new ObjectTooLarge(`${name} has ${length} bytes`)
        fail(error)
        throw error
      }
      await atLeast(length + 1)
      return {
        hash,
        type: type as GitObject['type'],
        bytes: Buffer.from(take(length + 1).subarray(0, length)),
      }
    },
    fail,
    keep: rise,
    release() {
      if (failure !== undefined) return
      const leave = (): void => fail(new ReaderFailed('no longer needed'))
      idle = setTimeout(leave, KEPT)
      idle.unref()
      wakeUp = resting.add(leave)
    },
  }
}
