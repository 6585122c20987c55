import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sizeOf, tooMuchOnDisk, TooMuchOnDisk, unlessGone } from '../programs/disk-bound.ts'
import { fetchPack } from '../wire/fetch-pack.ts'
import type { Gates } from '../programs/gates.ts'
import { BOUNDED, type GitSetting } from '../programs/git-environment.ts'
import { createObjectReader, ReaderFailed, type GitObject } from './object-reader.ts'
import { storeError } from '../../../disk-errors.ts'
import type { RunGit } from '../programs/git-helper.ts'
import type { FetchFrom } from '../wire/remote.ts'
import type { GitOutcome } from '../programs/run-git.ts'

/** Sends a request of git's protocol version 2, and gives the answer as it arrives. */
export type Upload = (request: string, signal: AbortSignal) => Promise<AsyncIterable<Buffer>>

/** Bounds of work on a clone. Milliseconds and bytes. */
export interface CloneBounds {
  /** A whole fetch, and between two pieces of its progress. */
  fetch: { total: number; idle: number }
  /** A command that reads what is here. */
  local: number
  /** What a clone may take on disk. */
  size: number
}

/** A bare repository in which part of a remote one is kept. */
export interface Clone {
  readonly folder: string
  /** Bytes on disk, as of the last fetch. */
  readonly size: number
  /** As `ObjectReader.read`, but throws `BrokenClone` where the clone cannot be read. */
  objects(names: readonly string[], limit: number, signal: AbortSignal): Promise<(GitObject | undefined)[]>
  /** What a command prints, whatever its status. */
  ask(args: readonly string[], signal: AbortSignal, input?: string): Promise<GitOutcome>
  /**
   * Fetches commits without their history, by `fetchPack`, and throws what that throws; `BrokenClone` where the clone has
   * come to its bound with what was fetched before.
   */
  fetchCommits(wants: readonly string[], upload: Upload, signal: AbortSignal): Promise<void>
  /** Fetches refspecs with git itself. Gives the outcome: a status of 0, or what git said. */
  fetch(
    from: FetchFrom,
    refspecs: readonly string[],
    options: readonly string[],
    signal: AbortSignal,
  ): Promise<GitOutcome>
  /** Deletes everything. */
  destroy(): Promise<void>
  /** Ends what is kept running. */
  close(): void
}

/** A clone that cannot be read: its files were damaged. It is thrown away and made anew. */
export class BrokenClone extends Error {
  override readonly name = 'BrokenClone'
}

const FETCH = ['fetch', '--force', '--no-tags', '--no-write-fetch-head', '--progress']

/** Packs that are made before their indexes are joined. */
const PACKS_TO_INDEX = 32

/** Bytes that local commands print at most: names of refs, for the most part. */
const PRINTED = 64 << 20

/** The name of the remote: what a partial clone remembers as the place that has the rest. */
const REMOTE = 'origin'

export interface OpenCloneOptions {
  folder: string
  /** Shown to whoever looks into the folder. */
  url: string
  hashLength: 40 | 64
  /** Only commits are kept in it, for questions about history (git's partial clone). */
  historyOnly: boolean
  bounds: CloneBounds
  run: RunGit
  gates: Gates
}

/**
 * Opens a clone, or makes an empty one where there is none that can be used. What it and its methods write may fail with
 * `store_unavailable`, which names the trouble of the disk.
 */
export async function openClone(options: OpenCloneOptions): Promise<Clone> {
  const { folder, hashLength, historyOnly, bounds, url, run, gates } = options
  const local = { deadlines: { total: bounds.local }, limit: PRINTED }
  const partial: GitSetting[] = historyOnly
    ? [
        [`remote.${REMOTE}.promisor`, 'true'],
        [`remote.${REMOTE}.partialclonefilter`, 'tree:0'],
      ]
    : []

  async function readShallow(): Promise<Set<string>> {
    return new Set((await readIfThere(shallowFile)).split('\n').filter((line) => line !== ''))
  }

  function ask(args: readonly string[], signal: AbortSignal, input?: string): Promise<GitOutcome> {
    const order = { args, gitDir: folder, settings: partial, input: input ?? '', signal, ...local }
    return gates.local.pass(signal, () => run(order))
  }

  const unkept = (error: unknown): never => {
    throw storeError(error, `keep what it fetches from ${url}`)
  }

  await layOut(folder, { hashLength, historyOnly, url }).catch(unkept)
  await deleteUnfinished(folder)
  const reader = createObjectReader(folder, bounds.local, gates)
  const shallowFile = join(folder, 'shallow')
  let shallow = await readShallow()
  let packs = 0
  let size = await sizeOf(folder)

  return {
    folder,
    get size() {
      return size
    },
    ask,
    async objects(names, limit, signal) {
      try {
        return await reader.read(names, limit, signal)
      } catch (error) {
        if (error instanceof ReaderFailed) throw new BrokenClone(error.message, { cause: error })
        throw error
      }
    },
    async fetchCommits(wants, upload, signal) {
      const haves = [...shallow]
      const most = Math.max(0, bounds.size - size)
      const order = {
        gitDir: folder,
        hashLength,
        wants,
        haves,
        upload,
        most,
        deadlines: bounds.fetch,
        signal,
      }
      try {
        const came = await fetchPack({ ...order, run })
        size += came.bytes
        for (const hash of came.shallow) shallow.add(hash)
        if (came.shallow.length > 0) await writeFile(shallowFile, [...shallow, ''].join('\n')).catch(unkept)
      } catch (error) {
        await deleteUnfinished(folder)
        if (!(error instanceof TooMuchOnDisk) || shallow.size === 0) throw error
        throw new BrokenClone('it is as large as it may be', { cause: error })
      }
      // Every fetch makes a pack of its own, and each costs every look-up a little.
      if (++packs % PACKS_TO_INDEX === 0) await ask(['multi-pack-index', 'write'], signal)
    },
    async fetch({ url, settings, environment }, refspecs, options, signal) {
      const bound = tooMuchOnDisk({ folder, most: bounds.size, signal })
      try {
        const outcome = await run({
          args: [...FETCH, ...options, '--stdin', '--end-of-options', REMOTE],
          gitDir: folder,
          settings: [...settings, ...partial, ...BOUNDED, [`remote.${REMOTE}.url`, url]],
          environment,
          input: refspecs.map((refspec) => `${refspec}\n`).join(''),
          signal: bound.signal,
          deadlines: bounds.fetch,
          limit: PRINTED,
        })
        shallow = await readShallow()
        size = await sizeOf(folder)
        return outcome
      } catch (error) {
        await deleteUnfinished(folder)
        throw error
      } finally {
        bound.end()
      }
    },
    async destroy() {
      reader.close()
      await rm(folder, { recursive: true, force: true, maxRetries: 3 })
    },
    close: () => reader.close(),
  }
}

/** Notes in the time of a folder that it was used now, which lasts beyond this process. */
export async function touch(folder: string): Promise<void> {
  const now = new Date()
  await utimes(folder, now, now)
}

/**
 * The files of an empty bare repository (gitrepository-layout(5)), written where they are not there yet. A folder that
 * was made with other settings is made anew.
 */
async function layOut(
  folder: string,
  { hashLength, historyOnly, url }: Pick<OpenCloneOptions, 'hashLength' | 'historyOnly' | 'url'>,
): Promise<void> {
  const config = [
    '[core]',
    'repositoryFormatVersion = 1',
    'bare = true',
    '[extensions]',
    `objectFormat = ${hashLength === 64 ? 'sha256' : 'sha1'}`,
    ...(historyOnly ? [`partialClone = ${REMOTE}`] : []),
    '',
  ].join('\n')
  if ((await readIfThere(join(folder, 'config'))) === config) return
  await rm(folder, { recursive: true, force: true })
  for (const inner of ['objects', 'refs', 'info']) await mkdir(join(folder, inner), { recursive: true })
  await writeFile(join(folder, 'HEAD'), 'ref: refs/heads/main\n')
  await writeFile(join(folder, 'description'), `${url}\n`)
  // The hash of a zip must not depend on what a repository wants exported (go.dev/issue/27153).
  await writeFile(join(folder, 'info', 'attributes'), '* -export-subst -export-ignore\n')
  // The last file: without it the folder is no repository.
  await writeFile(join(folder, 'config'), config)
}

/** What a git that was ended has left: it clears nothing away. */
async function deleteUnfinished(folder: string): Promise<void> {
  const packs = join(folder, 'objects', 'pack')
  const names = await readdir(packs).catch(unlessGone([]))
  for (const name of names) if (name.startsWith('tmp_')) await rm(join(packs, name), { force: true })
}

async function readIfThere(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(unlessGone(''))
}
