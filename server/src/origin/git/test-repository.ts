/** Repositories as tests make them, with the real git, and origins of them without a network. */
import { execFileSync } from 'node:child_process'
import { createCipheriv } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { createTestObserver, type TestObserver } from '../../observe/test-support.ts'
import type { CloneBounds } from './clones/clone.ts'
import { createFileRemote } from './wire/file-remote.ts'
import { createGates } from './programs/gates.ts'
import { settingsEnvironment } from './programs/git-environment.ts'
import type { Remote } from './wire/remote.ts'
import { createRepository, type Repository } from './clones/repository.ts'
import { runGit } from './programs/run-git.ts'

export interface TestCommit {
  /** By path; a symlink's contents begin with `-> `. */
  files: Record<string, string | Buffer>
  tags?: string[]
  /** Default: `main`. */
  branch?: string
}

/** Runs git in a repository and gives what it prints. */
export function git(folder: string, args: readonly string[], input: string | Buffer = ''): string {
  return execFileSync('git', args, {
    cwd: folder,
    env: settingsEnvironment([['safe.directory', '*']]),
    input,
    maxBuffer: 1 << 30,
    stdio: ['pipe', 'pipe', 'ignore'],
  }).toString()
}

/** Makes a bare repository with these commits, one after the other, and gives their hashes. */
export function makeRepository(folder: string, commits: readonly TestCommit[]): string[] {
  mkdirSync(folder, { recursive: true })
  git(folder, ['init', '--quiet', '--bare', '--initial-branch=main', '.'])
  git(folder, ['config', 'uploadpack.allowFilter', 'true'])
  git(folder, ['config', 'uploadpack.allowAnySHA1InWant', 'true'])
  return addCommits(folder, commits)
}

/** Adds commits to a repository, in one import, and gives their hashes. */
export function addCommits(folder: string, commits: readonly TestCommit[]): string[] {
  const before = git(folder, ['rev-list', '--count', '--all']).trim()
  const pieces: (string | Buffer)[] = []
  const data = (contents: string | Buffer): void =>
    void pieces.push(`data ${Buffer.byteLength(contents)}\n`, contents, '\n')
  for (const [index, { files, tags = [], branch = 'main' }] of commits.entries()) {
    const time = 1_700_000_000 + 60 * (Number(before) + index)
    pieces.push(
      `commit refs/heads/${branch}\nmark :${index + 1}\ncommitter A <a@example.com> ${time} +0000\n`,
    )
    data('A change')
    const isFirst = index === 0 && before !== '0' && branch === 'main'
    if (isFirst) pieces.push('from refs/heads/main^0\n')
    for (const [path, contents] of Object.entries(files)) {
      const isLink = typeof contents === 'string' && contents.startsWith('-> ')
      pieces.push(`M ${isLink ? '120000' : '100644'} inline ${JSON.stringify(path)}\n`)
      data(isLink ? contents.slice('-> '.length) : contents)
    }
    for (const tag of tags) pieces.push(`reset refs/tags/${tag}\nfrom :${index + 1}\n\n`)
    pieces.push(`get-mark :${index + 1}\n`)
  }
  const input = Buffer.concat(pieces.map((piece) => Buffer.from(piece)))
  return git(folder, ['fast-import', '--quiet', '--force'], input)
    .split('\n')
    .filter((line) => line !== '')
}

/** Bounds that no test reaches by accident. */
export const PATIENT: CloneBounds = { fetch: { total: 50_000, idle: 40_000 }, local: 40_000, size: 2 ** 32 }

/** A file remote that counts what it is asked. */
export function countingRemote(
  folder: string,
): Remote & { readonly counts: { refs: number; upload: number } } {
  const counts = { refs: 0, upload: 0 }
  const url = pathToFileURL(folder)
  const remote = createFileRemote({
    key: url.href,
    url,
    servingConfig: '/dev/null',
    deadline: 40_000,
    limit: 1 << 24,
    run: runGit,
  })
  return {
    ...remote,
    counts,
    refs(signal) {
      counts.refs++
      return remote.refs(signal)
    },
    upload(request, signal) {
      counts.upload++
      return remote.upload(request, signal)
    },
  }
}

export interface OpenRepository {
  repository: Repository
  observer: TestObserver
}

/** What is kept of a remote, in a folder of its own. */
export function openRepository(
  remote: Remote,
  folder: string,
  bounds: CloneBounds = PATIENT,
): OpenRepository {
  const observer = createTestObserver()
  const repository = createRepository({
    remote,
    folder,
    bounds,
    run: runGit,
    gates: createGates(2),
    log: observer.log,
    shutdown: new AbortController().signal,
    now: Date.now,
    grew: () => undefined,
    makeRoom: async () => undefined,
  })
  return { repository, observer }
}

/** Bytes that do not compress, the same for the same seed. */
export function noise(length: number, seed: number): Buffer {
  return createCipheriv('aes-256-ctr', Buffer.alloc(32, seed), Buffer.alloc(16)).update(Buffer.alloc(length))
}

/** Pieces of a stream as they are given. */
export async function* streamOf(...pieces: readonly (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece)
}
