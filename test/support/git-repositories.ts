import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { noise } from './test-module.ts'

/** A file of a commit: its contents, for a symlink (`120000`) the target, for a submodule (`160000`) the commit. */
export interface GitFile {
  contents: string | Buffer
  mode?: '100644' | '100755' | '120000' | '160000'
}

/** By path; undefined deletes the path, be it a file or a folder. */
export type GitFiles = Record<string, string | Buffer | GitFile | undefined>

export interface GitCommit {
  /** Without `refs/heads/`; default `main`. A branch that does not exist yet begins here. */
  branch?: string
  /** A branch or a full commit hash to go on from; default: the branch's tip, or no parent. */
  from?: string
  /** More parents: branches or full commit hashes. */
  merge?: readonly string[]
  /** What changes. An iterable is for trees that should not be in memory at once. */
  files: GitFiles | Iterable<readonly [path: string, file: GitFiles[string]]>
  /** The commit's tree has these files and no others. */
  replace?: boolean
  message?: string
  /** Seconds since 1970; default: a minute after the commit before, from 2024-01-01 on. */
  time?: number
  /** Lightweight tags, without `refs/tags/`. A tag that exists moves. */
  tags?: readonly string[]
  /** Tags that are objects of their own. */
  annotatedTags?: readonly string[]
}

export interface GitRepositoryOptions {
  /** Where the bare repository will be; parents are made. */
  folder: string
  objectFormat?: 'sha1' | 'sha256'
}

/** A bare repository with the same hashes on every machine. */
export interface GitRepository {
  readonly folder: string
  /** `file://…`, as a file remote is written. */
  readonly url: string
  /** Adds commits, in one `git fast-import`; gives their hashes. */
  commit(...commits: readonly GitCommit[]): Promise<string[]>
  /** As commit, for histories that should not be in memory at once. */
  importAll(commits: Iterable<GitCommit>): Promise<string[]>
  /** Runs git in the repository and gives its stdout: `['tag', '-d', 'v1.0.0']`, `['gc', '--quiet']`. */
  git(args: readonly string[]): Promise<string>
  /** Deletes it. */
  remove(): Promise<void>
}

const FIRST_TIME = Date.UTC(2024, 0, 1) / 1000
const PERSON = 'A Person <person@example.com>'
const DEADLINE_MS = 5 * 60_000

/** Git's environment without the machine's and the user's configuration. `home` needs not exist. */
export function gitEnvironment(home: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: home,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
  }
}

/** Makes an empty repository that lets clients filter and ask for any commit, as the large git hosts do. */
export async function createGitRepository(options: GitRepositoryOptions): Promise<GitRepository> {
  const { folder, objectFormat = 'sha1' } = options
  const tips = new Map<string, string>()
  let time = FIRST_TIME - 60
  let imports = 0

  await mkdir(folder, { recursive: true })
  const git = (args: readonly string[]): Promise<string> => runGit(folder, args)
  await git(['init', '--quiet', '--bare', '--initial-branch=main', `--object-format=${objectFormat}`, '.'])
  await git(['config', 'uploadpack.allowFilter', 'true'])
  await git(['config', 'uploadpack.allowAnySHA1InWant', 'true'])

  async function importAll(commits: Iterable<GitCommit>): Promise<string[]> {
    const marks = join(folder, `marks-${++imports}`)
    const branches: string[] = []
    // Tips that this import makes are marks until it has ended.
    const here = new Map(tips)
    function* stream(): Iterable<string | Buffer> {
      for (const commit of commits) {
        const { branch = 'main' } = commit
        time = commit.time ?? time + 60
        branches.push(branch)
        yield* commitLines(commit, { mark: branches.length, time, tips: here })
        here.set(branch, `:${branches.length}`)
      }
      yield 'done\n'
    }
    await runGit(folder, ['fast-import', '--quiet', '--force', '--done', `--export-marks=${marks}`], stream())
    const hashes: string[] = []
    for (const line of (await readFile(marks, 'utf8')).split('\n')) {
      const [mark, hash] = line.split(' ')
      if (hash !== undefined) hashes[Number(mark!.slice(1)) - 1] = hash
    }
    await rm(marks)
    branches.forEach((branch, index) => tips.set(branch, hashes[index]!))
    return hashes
  }

  return {
    folder,
    url: pathToFileURL(folder).href,
    commit: (...commits) => importAll(commits),
    importAll,
    git,
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  }
}

/** One commit and its tags in the language of `git fast-import`. */
function* commitLines(
  commit: GitCommit,
  { mark, time, tips }: { mark: number; time: number; tips: ReadonlyMap<string, string> },
): Iterable<string | Buffer> {
  const { branch = 'main', files, message = 'A change', tags = [], annotatedTags = [] } = commit
  const find = (name: string): string => tips.get(name) ?? name
  const from = commit.from === undefined ? tips.get(branch) : find(commit.from)
  yield `commit refs/heads/${branch}\nmark :${mark}\ncommitter ${PERSON} ${time} +0000\n`
  yield* data(message)
  if (from !== undefined) yield `from ${from}\n`
  for (const parent of commit.merge ?? []) yield `merge ${find(parent)}\n`
  if (commit.replace === true) yield 'deleteall\n'
  for (const [path, given] of Symbol.iterator in files ? files : Object.entries(files)) {
    const name = `"${path.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`
    if (given === undefined) {
      yield `D ${name}\n`
      continue
    }
    const plain = typeof given === 'string' || Buffer.isBuffer(given)
    const { contents, mode = '100644' }: GitFile = plain ? { contents: given } : given
    if (mode === '160000') yield `M ${mode} ${contents.toString()} ${name}\n`
    else {
      yield `M ${mode} inline ${name}\n`
      yield* data(contents)
    }
  }
  for (const tag of tags) yield `reset refs/tags/${tag}\nfrom :${mark}\n\n`
  for (const tag of annotatedTags) {
    yield `tag ${tag}\nfrom :${mark}\ntagger ${PERSON} ${time} +0000\n`
    yield* data(tag)
  }
}

function* data(contents: string | Buffer): Iterable<string | Buffer> {
  const bytes = Buffer.from(contents)
  yield `data ${bytes.length}\n`
  yield bytes
  yield '\n'
}

/** Throws with what git said when it fails. */
async function runGit(
  folder: string,
  args: readonly string[],
  input: Iterable<string | Buffer> = [],
): Promise<string> {
  const child = spawn('git', args, {
    cwd: folder,
    env: gitEnvironment(folder),
    timeout: DEADLINE_MS,
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = once(child, 'close')
  // A git that ends early says why on stderr; the broken pipe adds nothing.
  child.stdin.on('error', () => child.stdin.destroy())
  for (const piece of input) {
    if (child.stdin.destroyed) break
    if (!child.stdin.write(piece)) await Promise.race([once(child.stdin, 'drain'), ended])
  }
  child.stdin.end()
  const [code, signal] = (await ended) as [number | null, string | null]
  if (code !== 0) throw new Error(`git ${args[0]} ended with ${code ?? signal}:\n${stderr}`)
  return stdout
}

export interface ModuleHistoryOptions {
  module: string
  /** One commit and one tag each: v1.0.0, v1.1.0, … */
  versions: number
  /** Files beside go.mod, 100 to a folder; each version changes one of them. Default 10. */
  files?: number
  /** Size of each of them; default 2000. */
  fileBytes?: number
  /** Number of the first version, to go on with a history; its first commit then changes one file, as the others. */
  first?: number
  /** Folder of the module in the repository, `nested/`; in the tags too. Default: the root. */
  prefix?: string
}

/** Commits of a module that looks like source code: it deflates to about a fifth. Same options, same bytes. */
export function* moduleHistory(options: ModuleHistoryOptions): Iterable<GitCommit> {
  const { module, versions, files = 10, fileBytes = 2000, first = 0, prefix = '' } = options
  const file = (index: number, version: number): [path: string, contents: Buffer] => {
    const folder = `p${Math.floor(index / 100)}`
    const head = Buffer.from(`package ${folder}\n\nconst V${index} = ${version}\n\n/*\n`)
    const body = prose(fileBytes - head.length - 3, index * 7919 + version * 104_729)
    return [`${prefix}${folder}/f${index}.go`, Buffer.concat([head, body, Buffer.from('*/\n')])]
  }
  function* everything(): Iterable<readonly [string, string | Buffer]> {
    yield [`${prefix}go.mod`, `module ${module}\n\ngo 1.21\n`]
    for (let index = 0; index < files; index++) yield file(index, 0)
  }
  for (let version = first; version < first + versions; version++) {
    yield {
      files: version === 0 ? everything() : [file(version % files, version)],
      tags: [`${prefix}v1.${version}.0`],
      message: `Version ${version}`,
    }
  }
}

const PROSE_BYTES = 4 << 20
let written: Buffer | undefined

/** Made-up words, a piece of one long text that depends on `seed`. */
function prose(length: number, seed: number): Buffer {
  if (written === undefined) {
    const words = Array.from({ length: 256 }, (_, index) =>
      noise(3 + (index % 5), `word ${index}`)
        .toString('hex')
        .slice(0, 3 + (index % 7)),
    )
    const picks = noise(PROSE_BYTES / 4, 'prose')
    written = Buffer.from(
      Array.from(picks, (pick, at) => words[pick]! + (at % 12 === 11 ? '\n' : ' ')).join(''),
    )
  }
  const start = seed % (written.length - Math.max(0, length))
  return written.subarray(start, start + Math.max(0, length))
}
