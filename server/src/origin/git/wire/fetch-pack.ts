/**
 * Fetches commits with all of their files and none of their history: the fetch command of git's protocol version 2
 * (gitprotocol-v2(5)). It is what `git fetch --depth=1` does, in a third of the time, since nothing has to be looked up,
 * negotiated or tidied up that is known already; and over http the bytes come through our own connections.
 */
import { once } from 'node:events'
import { ModsteadError } from '../../../errors.ts'
import { startRun } from '../../deadline.ts'
import { duration } from '../../failures.ts'
import { quotable } from '../../plain-text.ts'
import { TooMuchOnDisk } from '../programs/disk-bound.ts'
import { diskFailure } from '../programs/disk-full.ts'
import { BOUNDED, GIT_SETTINGS, settingsEnvironment } from '../programs/git-environment.ts'
import type { RunGit } from '../programs/git-helper.ts'
import { BadPacket, DELIMITER, FLUSH, packet, readPackets, textOf } from './packets.ts'
import { startProgram } from '../programs/program.ts'

export interface FetchPackOptions {
  /** The bare repository that the objects go into. */
  gitDir: string
  hashLength: 40 | 64
  /** Commits that are wanted. */
  wants: readonly string[]
  /** Commits that are here with all of their files and none of their history. */
  haves: readonly string[]
  /** Sends the request, and gives the answer as it arrives. */
  upload(request: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>>
  /** Bytes of the pack at most. */
  most: number
  /** Milliseconds: the whole fetch, and between two pieces of the answer. */
  deadlines: { total: number; idle: number }
  /** Runs git for a small pack. */
  run: RunGit
  signal: AbortSignal
}

/** The host refused, in its own words; the message completes the sentence "the host …". */
export class FetchRefused extends Error {
  override readonly name = 'FetchRefused'
}

/** The pack could not be taken in, in git's words. */
export class BadPack extends Error {
  override readonly name = 'BadPack'
}

/** Commits that are named to the host so that it sends only what differs from them. More would cost more than they save. */
const MOST_HAVES = 32

/**
 * Gives the commits that came without their history, to be noted as such, and the bytes of the pack. Throws `BadPacket`
 * where the other side does not speak this protocol, `FetchRefused`, `BadPack`, `TooMuchOnDisk`, `upstream_timeout`,
 * `store_unavailable` where our disk is full, and what `upload` throws.
 */
export async function fetchPack(options: FetchPackOptions): Promise<{ shallow: string[]; bytes: number }> {
  const clock = startClock(options)
  try {
    return await fetchWhile(clock, options)
  } finally {
    clock.end()
  }
}

interface Clock {
  /** Its reason is always a `ModsteadError`. */
  readonly signal: AbortSignal
  /** Something came. */
  heard(): void
  /** All is here: from now on only the time of the whole counts. */
  whole(): void
  end(): void
}

function startClock({ deadlines, signal }: FetchPackOptions): Clock {
  const { total, idle } = deadlines
  const late = (sentence: string) => new ModsteadError('upstream_timeout', `a repository ${sentence}`)
  const silence = new AbortController()
  const run = startRun({
    signal: AbortSignal.any([signal, silence.signal]),
    total,
    late: () => late(`was not fetched within ${duration(total)}`),
  })
  const timer = setTimeout(() => silence.abort(late(`sent nothing for ${duration(idle)}`)), idle)
  return {
    signal: run.signal,
    heard: () => void timer.refresh(),
    whole: () => clearTimeout(timer),
    end() {
      clearTimeout(timer)
      run.end()
    },
  }
}

async function fetchWhile(
  { signal, heard, whole }: Clock,
  options: FetchPackOptions,
): Promise<{ shallow: string[]; bytes: number }> {
  const answer = await options.upload(requestOf(options), signal)
  const wanted = new Set(options.wants)
  const shallow = new Set<string>()
  let section = ''
  let pack: PackWriter | undefined
  try {
    for await (const part of readPackets(answer)) {
      heard()
      if (part === 'delimiter') section = ''
      else if (part === 'flush') {
        if (pack === undefined) throw new BadPacket('sent no objects')
        whole()
        return { shallow: [...shallow], bytes: await pack.end() }
      } else if (section === '') {
        section = textOf(part)
        if (section.startsWith('ERR ')) throw new FetchRefused(`says: ${quotable(section.slice(4))}`)
        if (section === 'packfile' && pack === undefined) pack = takePack(options, signal)
        else if (section !== 'shallow-info') throw new BadPacket(`answered with ${quotable(section)}`)
      } else if (section === 'shallow-info') {
        const [word, hash = ''] = textOf(part).split(' ')
        if (word === 'shallow' && wanted.has(hash)) shallow.add(hash)
      } else if (part[0] === DATA) {
        await pack!.write(part.subarray(1))
        heard()
      } else if (part[0] === FAILURE) throw new FetchRefused(`says: ${quotable(textOf(part.subarray(1)))}`)
    }
    throw new BadPacket('broke off before all objects were sent')
  } finally {
    pack?.stop()
  }
}

/** The bands that a pack shares with progress and failures. */
const DATA = 1
const FAILURE = 3

function requestOf({ hashLength, wants, haves }: FetchPackOptions): string {
  const known = haves.slice(-MOST_HAVES)
  return [
    packet('command=fetch'),
    packet('agent=modstead'),
    packet(`object-format=${hashLength === 64 ? 'sha256' : 'sha1'}`),
    DELIMITER,
    ...['thin-pack', 'no-progress', 'ofs-delta'].map(packet),
    ...known.map((hash) => packet(`shallow ${hash}`)),
    packet('deepen 1'),
    ...wants.map((hash) => packet(`want ${hash}`)),
    ...known.map((hash) => packet(`have ${hash}`)),
    packet('done'),
    FLUSH,
  ].join('')
}

interface PackWriter {
  write(bytes: Buffer): Promise<void>
  /** Settles with the number of bytes when the objects are in the repository. */
  end(): Promise<number>
  stop(): void
}

/** Bytes of a pack that is handed over whole. */
const SMALL = 1 << 20
const INDEX_PACK = ['index-pack', '--stdin', '--fix-thin']

/** Hands a pack to git, which checks it and indexes it: a small one when it is here, a larger one while it comes. */
function takePack(options: FetchPackOptions, signal: AbortSignal): PackWriter {
  const { gitDir, deadlines, most, run } = options
  const held: Buffer[] = []
  let size = 0
  let large: PackWriter | undefined

  async function indexSmall(): Promise<number> {
    const order = { args: INDEX_PACK, gitDir, settings: BOUNDED, input: Buffer.concat(held, size), signal }
    const bounds = { deadlines: { total: deadlines.total }, limit: SMALL }
    const { status, said } = await run({ ...order, ...bounds })
    if (status !== 0) throw notTaken(said, status)
    return size
  }

  return {
    async write(chunk) {
      if (large !== undefined) return large.write(chunk)
      held.push(chunk)
      size += chunk.length
      if (size > most) throw new TooMuchOnDisk(`more than ${most} bytes`)
      if (size <= SMALL) return
      large = startPack(options, signal)
      await large.write(Buffer.concat(held.splice(0), size))
    },
    end: () => large?.end() ?? indexSmall(),
    stop: () => large?.stop(),
  }
}

/** Why git did not take a pack in: our disk, or else the pack. */
function notTaken(said: string, status: number): Error {
  const failure = diskFailure(said, 'keep what it fetched from a repository')
  return failure ?? new BadPack(quotable(said) || `git index-pack ended with ${status}`)
}

function startPack({ gitDir, most }: FetchPackOptions, signal: AbortSignal): PackWriter {
  const git = startProgram({
    command: 'git',
    args: [`--git-dir=${gitDir}`, ...INDEX_PACK],
    env: settingsEnvironment([...GIT_SETTINGS, ...BOUNDED]),
    signal,
  })
  const { stdin } = git
  // It prints the name of the pack alone.
  git.stdout.resume()
  const stop = (): void => {
    stdin.destroy()
    git.end()
  }
  // Who waits for room in the pipe must hear that nobody reads it any more.
  signal.addEventListener('abort', stop, { once: true })
  let bytes = 0

  async function outcome(): Promise<void> {
    const status = await git.ended
    signal.throwIfAborted()
    if (status !== 0) throw notTaken(git.said(), status)
  }

  return {
    async write(chunk) {
      bytes += chunk.length
      if (bytes > most) throw new TooMuchOnDisk(`more than ${most} bytes`)
      if (!stdin.destroyed && !stdin.write(chunk))
        await Promise.race([once(stdin, 'drain').catch(() => undefined), git.ended])
      // Git has seen enough of it: nothing that still comes can mend the pack.
      if (stdin.destroyed) await outcome()
    },
    async end() {
      stdin.end()
      await outcome()
      return bytes
    },
    stop() {
      signal.removeEventListener('abort', stop)
      stop()
    },
  }
}
