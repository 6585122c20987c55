/**
 * Fetches commits with all of their files and none of their history: the fetch command of git's protocol version 2
 * (gitprotocol-v2(5)). It is what `git fetch --depth=1` does, in a third of the time, since nothing has to be looked up,
 * negotiated or tidied up that is known already; and over http the bytes come through our own connections.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { quotable } from '../plain-text.ts'
import { GIT_SETTINGS, settingsEnvironment } from './git-environment.ts'
import type { RunGit } from './git-helper.ts'
import { BadPacket, DELIMITER, FLUSH, packet, readPackets, textOf } from './packets.ts'
import { killGroup } from './run-git.ts'

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
  /** Runs git for a small pack, and how long that may take in milliseconds. */
  run: RunGit
  deadline: number
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
 * Gives the commits that came without their history, to be noted as such. Throws `BadPacket` where the other side does
 * not speak this protocol, `FetchRefused`, `BadPack`, and what `upload` throws.
 */
export async function fetchPack(options: FetchPackOptions): Promise<string[]> {
  const { upload, signal } = options
  const answer = await upload(requestOf(options), signal)
  const shallow: string[] = []
  let section = ''
  let pack: PackWriter | undefined
  try {
    for await (const part of readPackets(answer)) {
      if (part === 'delimiter') section = ''
      else if (part === 'flush') {
        if (pack === undefined) throw new BadPacket('sent no objects')
        await pack.end()
        return shallow
      } else if (section === '') {
        section = textOf(part)
        if (section.startsWith('ERR ')) throw new FetchRefused(`says: ${quotable(section.slice(4))}`)
        if (section === 'packfile') pack = takePack(options)
        else if (section !== 'shallow-info') throw new BadPacket(`answered with ${quotable(section)}`)
      } else if (section === 'shallow-info') {
        const [word, hash = ''] = textOf(part).split(' ')
        if (word === 'shallow' && hash.length === options.hashLength && /^[0-9a-f]+$/.test(hash))
          shallow.push(hash)
      } else if (part[0] === DATA) await pack!.write(part.subarray(1))
      else if (part[0] === FAILURE) throw new FetchRefused(`says: ${quotable(textOf(part.subarray(1)))}`)
    }
    throw new BadPacket('broke off before all objects were sent')
  } catch (error) {
    pack?.stop()
    throw error
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
  /** Settles when the objects are in the repository. */
  end(): Promise<void>
  stop(): void
}

/** Bytes of a pack that is handed over whole. */
const SMALL = 1 << 20

/** Hands a pack to git, which checks it and indexes it: a small one when it is here, a larger one while it comes. */
function takePack(options: FetchPackOptions): PackWriter {
  let held: Buffer[] = []
  let size = 0
  let large: PackWriter | undefined
  return {
    async write(bytes) {
      if (large !== undefined) return large.write(bytes)
      held.push(bytes)
      size += bytes.length
      if (size <= SMALL) return
      large = startPack(options)
      const soFar = Buffer.concat(held, size)
      held = []
      return large.write(soFar)
    },
    end: () => large?.end() ?? indexSmall(Buffer.concat(held, size), options),
    stop: () => large?.stop(),
  }
}

async function indexSmall(input: Buffer, options: FetchPackOptions): Promise<void> {
  const { gitDir, run, deadline, signal } = options
  const order = { args: indexArgs(options), gitDir, input, signal, deadlines: { total: deadline } }
  const { status, said } = await run({ ...order, limit: SMALL })
  if (status !== 0) throw new BadPack(quotable(said) || `git index-pack ended with ${status}`)
}

function indexArgs({ most }: FetchPackOptions): string[] {
  return ['index-pack', '--stdin', '--fix-thin', `--max-input-size=${most}`]
}

function startPack(options: FetchPackOptions): PackWriter {
  const { gitDir } = options
  const child = spawn('git', [`--git-dir=${gitDir}`, ...indexArgs(options)], {
    cwd: gitDir,
    detached: true,
    env: settingsEnvironment(GIT_SETTINGS),
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2_000)))
  // A git that refuses the pack closes the pipe; its status says why.
  child.stdin.on('error', () => child.stdin.destroy())
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => resolve(status ?? -1))
  })
  ended.catch(() => undefined) // whoever waits for the end hears of it

  return {
    async write(bytes) {
      if (child.stdin.destroyed || child.stdin.write(bytes)) return
      await Promise.race([once(child.stdin, 'drain').catch(() => undefined), ended])
    },
    async end() {
      child.stdin.end()
      const status = await ended
      if (status !== 0) throw new BadPack(quotable(said) || `git index-pack ended with ${status}`)
    },
    stop() {
      child.stdin.destroy()
      if (child.exitCode === null && child.signalCode === null) killGroup(child.pid)
    },
  }
}
