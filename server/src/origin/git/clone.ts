import { mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tooMuchOnDisk } from './disk-bound.ts'
import type { GitSetting } from './git-environment.ts'
import { runGit, type GitOutcome } from './run-git.ts'

/** An object of a clone. */
export interface GitObject {
  hash: string
  type: 'commit' | 'tree' | 'blob' | 'tag'
  bytes: Buffer
}

/** How a fetch reaches the remote repository. */
export interface FetchFrom {
  url: string
  settings: readonly GitSetting[]
  environment: Readonly<Record<string, string>>
}

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
  /**
   * Objects by name (`HASH`, `HASH^{commit}`, `HASH:path`), in order; `undefined` for those that are not here.
   * Throws `BrokenClone`, and `GitStopped` where they have more than `limit` bytes together.
   */
  objects(names: readonly string[], limit: number, signal: AbortSignal): Promise<(GitObject | undefined)[]>
  /** What a command prints, whatever its status. */
  ask(args: readonly string[], signal: AbortSignal, input?: string): Promise<GitOutcome>
  /** Fetches refspecs. Gives the outcome: a status of 0, or what git said. */
  fetch(
    from: FetchFrom,
    refspecs: readonly string[],
    options: readonly string[],
    signal: AbortSignal,
  ): Promise<GitOutcome>
  /** Deletes everything. */
  destroy(): Promise<void>
}

/** A clone that cannot be read: its files were damaged. It is thrown away and made anew. */
export class BrokenClone extends Error {
  override readonly name = 'BrokenClone'
}

/** Bytes that local commands print at most: names of refs, for the most part. */
const PRINTED = 64 << 20

/** The name of the remote: what a partial clone remembers as the place that has the rest. */
export const REMOTE = 'origin'

export interface OpenCloneOptions {
  folder: string
  /** Shown to whoever looks into the folder. */
  url: string
  hashLength: 40 | 64
  /** Only commits are kept in it, for questions about history (git's partial clone). */
  historyOnly: boolean
  bounds: CloneBounds
}

/** Opens a clone, or makes an empty one where there is none that can be used. */
export async function openClone(options: OpenCloneOptions): Promise<Clone> {
  const { folder, hashLength, historyOnly, bounds, url } = options
  const local = { deadlines: { total: bounds.local }, limit: PRINTED }
  const partial: GitSetting[] = historyOnly
    ? [
        [`remote.${REMOTE}.promisor`, 'true'],
        [`remote.${REMOTE}.partialclonefilter`, 'tree:0'],
      ]
    : []

  function ask(args: readonly string[], signal: AbortSignal, input?: string): Promise<GitOutcome> {
    return runGit({ args, gitDir: folder, settings: partial, input: input ?? '', signal, ...local })
  }

  await layOut(folder, { hashLength, historyOnly, url })

  return {
    folder,
    ask,
    async objects(names, limit, signal) {
      const { status, stdout, said } = await runGit({
        args: ['cat-file', '--batch', '--buffer'],
        gitDir: folder,
        settings: partial,
        input: names.map((name) => `${name}\n`).join(''),
        signal,
        deadlines: { total: bounds.local },
        limit: limit + 256 * names.length,
      })
      if (status !== 0) throw new BrokenClone(said)
      return parseObjects(stdout, names)
    },
    async fetch({ url, settings, environment }, refspecs, options, signal) {
      const bound = tooMuchOnDisk({ folder, most: bounds.size, signal })
      try {
        return await runGit({
          args: [
            ...['fetch', '--force', '--no-tags', '--no-write-fetch-head', '--progress', ...options],
            ...['--stdin', '--end-of-options', REMOTE],
          ],
          gitDir: folder,
          settings: [...settings, ...partial, [`remote.${REMOTE}.url`, url]],
          environment,
          input: refspecs.map((refspec) => `${refspec}\n`).join(''),
          signal: bound.signal,
          deadlines: bounds.fetch,
          limit: PRINTED,
        })
      } finally {
        bound.end()
      }
    },
    destroy: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
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
  const found = await readFile(join(folder, 'config'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (found === config) return
  await rm(folder, { recursive: true, force: true })
  for (const inner of ['objects', 'refs', 'info']) await mkdir(join(folder, inner), { recursive: true })
  await writeFile(join(folder, 'HEAD'), 'ref: refs/heads/main\n')
  await writeFile(join(folder, 'description'), `${url}\n`)
  // The hash of a zip must not depend on what a repository wants exported (go.dev/issue/27153).
  await writeFile(join(folder, 'info', 'attributes'), '* -export-subst -export-ignore\n')
  // The last file: without it the folder is no repository.
  await writeFile(join(folder, 'config'), config)
}

const TYPES: ReadonlySet<string> = new Set(['commit', 'tree', 'blob', 'tag'])

/** Reads what `git cat-file --batch` prints. */
function parseObjects(output: Buffer, names: readonly string[]): (GitObject | undefined)[] {
  let at = 0
  return names.map((name) => {
    const end = output.indexOf(0x0a, at)
    if (end < 0) throw new BrokenClone(`git cat-file ended before ${name}`)
    const head = output.subarray(at, end).toString()
    at = end + 1
    const [, hash, type, digits] = /^([0-9a-f]{40,64}) ([a-z]+) (\d+)$/.exec(head) ?? []
    if (hash === undefined || !TYPES.has(type!)) return undefined
    const size = Number(digits)
    const bytes = output.subarray(at, at + size)
    if (bytes.length < size) throw new BrokenClone(`git cat-file ended within ${name}`)
    at += size + 1
    return { hash, type: type as GitObject['type'], bytes }
  })
}
