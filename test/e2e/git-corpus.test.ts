/**
 * Every question of the corpus, put to the real `go` (GOPROXY=direct) and to our git origin: the answers must be the
 * same, bytes and hashes included. DIFFERENCES lists what differs on purpose.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { hashGoMod } from '@modstead/gomod/dirhash'
import { checkPath, isModulePath, type ModulePath } from '@modstead/gomod/path'
import { isCanonicalFor, type Version } from '@modstead/gomod/version'
import { verifyModuleZip } from '@modstead/gomod/zip/check'
import { ModsteadError } from '../../server/src/errors.ts'
import type { Origin, VersionList } from '../../server/src/proxy/origin.ts'
import { CORPUS, type CorpusRepository } from '../support/git-corpus.ts'
import { createLocalGitOrigin } from '../support/git-origin.ts'
import { createGitRepository, type GitRepository } from '../support/git-repositories.ts'
import { createGoHome } from '../support/go.ts'

/** What one side says of a query. */
interface Said {
  error?: string
  version?: string
  /** The `.info` of a version, or the Version and Origin of another query. */
  info?: unknown
  goModH1?: string
  zip?: string
}

/** Questions that we answer otherwise than `go`, and why. */
const DIFFERENCES: Readonly<Record<string, string>> = {}

const signal = new AbortController().signal
const ASKED = { signal, priority: 'client' } as const

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modstead-corpus-'))
})
after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))

describe('the same answers as go, which asks the repository itself', { concurrency: 2 }, () => {
  for (const repository of CORPUS) {
    it(repository.name, async () => {
      const place = join(folder, repository.name)
      const made = await make(repository, join(place, 'repository'))
      const root = `github.com/acme/${repository.name}`
      const local = await createLocalGitOrigin({
        folder: join(place, 'modstead'),
        repositories: new Map([[root, made.git.url]]),
      })
      try {
        const differences: string[] = []
        for (const { module, query } of questionsOf(repository, made)) {
          const [theirs, ours] = [
            await askGo(module, query, made.git, root),
            await askUs(local.origin, module, query),
          ]
          const name = `${module}@${query}`
          const same = agree(theirs, ours)
          if (same === name in DIFFERENCES) differences.push(`${name}\n${show(theirs)}\n${show(ours)}`)
        }
        assert.deepEqual(differences, [])
      } finally {
        await local.close()
        await made.git.remove()
      }
    })
  }
})

interface Made {
  git: GitRepository
  hashes: string[]
}

async function make(repository: CorpusRepository, at: string): Promise<Made> {
  const { commits, refs = {}, head, objectFormat = 'sha1' } = repository
  const git = await createGitRepository({ folder: at, objectFormat })
  const hashes = commits.length === 0 ? [] : await git.commit(...commits)
  if (head !== undefined) await git.git(['symbolic-ref', 'HEAD', `refs/heads/${head}`])
  for (const [name, commit] of Object.entries(refs)) await git.git(['update-ref', name, hashes[commit]!])
  if (repository.name === 'branches') await git.git(['branch', '-D', 'gone'])
  return { git, hashes }
}

function questionsOf(repository: CorpusRepository, { hashes }: Made): { module: string; query: string }[] {
  return Object.entries(repository.modules).flatMap(([below, queries]) => {
    const module = `github.com/acme/${repository.name}${below === '' ? '' : `/${below}`}`
    const written = queries.map((query) =>
      query.replace(/%(\d+)(?::(\d+|T))?/g, (_, index: string, part: string | undefined) => {
        const commit = Number(index)
        if (part === 'T') return stamp(commit, repository)
        return hashes[commit]!.slice(0, part === undefined ? undefined : Number(part))
      }),
    )
    return ['list', 'latest', ...written].map((query) => ({ module, query }))
  })
}

/** The time of a commit as pseudo-versions have it. */
function stamp(index: number, { commits }: CorpusRepository): string {
  let seconds = Date.UTC(2024, 0, 1) / 1000 - 60
  for (const commit of commits.slice(0, index + 1)) seconds = commit.time ?? seconds + 60
  return new Date(seconds * 1000).toISOString().replace(/[-T:]/g, '').slice(0, 14)
}

async function askGo(module: string, query: string, git: GitRepository, root: string): Promise<Said> {
  const go = await createGoHome({
    proxy: 'direct',
    parent: folder,
    env: {
      GOVCS: '*:git',
      GONOSUMDB: '*',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: `url.${git.url}.insteadOf`,
      GIT_CONFIG_VALUE_0: `https://${root}`,
    },
  })
  try {
    if (query === 'list') return await askGoForList(go, module)
    const { stdout } = await go.run(['mod', 'download', '-json', `${module}@${query}`])
    const said = JSON.parse(stdout) as Record<string, string>
    const isExact = isCanonicalFor(module, query)
    if (said.Version === undefined || (said.Info === undefined && said.Error !== undefined))
      return { error: said.Error ?? 'nothing' }
    const info = await readFile(said.Info!, 'utf8')
    const goMod = said.GoMod === undefined ? undefined : await readFile(said.GoMod)
    return {
      version: said.Version,
      info: isExact ? info : { Version: said.Version, Origin: withoutTags(said.Origin, query) },
      goModH1: goMod && hashGoMod(goMod),
      zip: said.Sum ?? 'none',
    }
  } finally {
    await go.close()
  }
}

async function askGoForList(go: Awaited<ReturnType<typeof createGoHome>>, module: string): Promise<Said> {
  const { stdout, code } = await go.run(['list', '-m', '-versions', '-retracted', '-json', module])
  if (code !== 0) return { version: '' }
  const { Versions = [] } = JSON.parse(stdout) as { Versions?: string[] }
  return { version: Versions.join(' ') }
}

async function askUs(origin: Origin, module: string, query: string): Promise<Said> {
  if (!isModulePath(module)) return { error: 'no module path' }
  try {
    if (query === 'list') {
      // Where there is no module at all we say so, and `go` an empty list.
      const list = await origin.versions(module, ASKED).catch(unlessAbsent)
      if (list === 'unchanged') throw new Error('no condition was given')
      return { version: list.versions.map(({ version }) => version).join(' ') }
    }
    const wanted = query === 'latest' ? await latestOf(origin, module) : query
    const info = await origin.resolve(module, wanted, ASKED)
    if (info === 'unchanged') throw new Error('no condition was given')
    const { bytes: goMod } = await origin.goMod(module, info.version, ASKED)
    return {
      version: info.version,
      info: isCanonicalFor(module, query) ? info.bytes.toString() : withoutTime(info.bytes, query),
      goModH1: hashGoMod(goMod),
      zip: await zipOf(origin, module, info.version),
    }
  } catch (error) {
    if (error instanceof ModsteadError && error.code === 'not_found') return { error: error.message }
    throw error
  }
}

function unlessAbsent(error: unknown): VersionList {
  if (error instanceof ModsteadError && error.code === 'not_found') return { versions: [] }
  throw error
}

/** What `go` makes of a list: the highest release, else the highest pre-release, else the latest commit. */
async function latestOf(origin: Origin, module: ModulePath): Promise<string> {
  const list = await origin.versions(module, ASKED).catch(unlessAbsent)
  if (list === 'unchanged') throw new Error('no condition was given')
  const versions = list.versions.map(({ version }) => version)
  const retracted = await retractionsOf(origin, module, versions)
  const allowed = versions.filter((version) => !retracted(version))
  return allowed.findLast((version) => !/^v[\d.]+-/.test(version)) ?? allowed.at(-1) ?? 'latest'
}

async function retractionsOf(
  origin: Origin,
  module: ModulePath,
  versions: readonly string[],
): Promise<(version: string) => boolean> {
  const newest = versions.findLast((version) => !/^v[\d.]+-/.test(version)) ?? versions.at(-1)
  if (newest === undefined) return () => false
  const { bytes } = await origin.goMod(module, newest as Version, ASKED)
  const list = /retract \(([^)]*)\)/.exec(bytes.toString())?.[1] ?? ''
  return (version) => list.includes(`\t${version} `) || (list.includes('[v1.3.0') && version === 'v1.3.0')
}

function withoutTime(bytes: Buffer, query: string): unknown {
  const { Version, Origin } = JSON.parse(bytes.toString()) as Record<string, unknown>
  return { Version, Origin: withoutTags(Origin, query) }
}

/** To the origin of the latest version `go` adds the tags of the list that it chose it from. */
function withoutTags(origin: unknown, query: string): unknown {
  if (query !== 'latest') return origin
  const { TagSum: _sum, TagPrefix: _prefix, ...rest } = origin as Record<string, unknown>
  return rest
}

async function zipOf(origin: Origin, module: ModulePath, version: Version): Promise<string> {
  try {
    const source = await origin.zip(module, version, ASKED)
    const chunks: Buffer[] = []
    for await (const chunk of source.chunks) chunks.push(chunk)
    const zip = Buffer.concat(chunks)
    assert.equal(zip.length, source.size)
    const file = { size: zip.length, read: (at: number, length: number) => zip.subarray(at, at + length) }
    return (await verifyModuleZip(file, { path: checkPath(module), version })).h1
  } catch (error) {
    if (error instanceof ModsteadError && error.code === 'upstream_invalid') return 'none'
    throw error
  }
}

function agree(theirs: Said, ours: Said): boolean {
  if (theirs.error !== undefined || ours.error !== undefined)
    return (theirs.error === undefined) === (ours.error === undefined)
  try {
    assert.deepEqual(ours, theirs)
    return true
  } catch {
    return false
  }
}

function show(said: Said): string {
  return JSON.stringify(said, undefined, 1)
}
