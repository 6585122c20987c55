/** One question about a module, put to the real `go` and to our git origin, and the answers in a form to compare. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { hashGoMod } from '@modstead/gomod/dirhash'
import { GomodError } from '@modstead/gomod/error'
import { parseGoMod } from '@modstead/gomod/modfile/parse'
import { checkPath, isModulePath, type ModulePath } from '@modstead/gomod/path'
import { compare } from '@modstead/gomod/semver'
import { isCanonicalFor, type Version } from '@modstead/gomod/version'
import { verifyModuleZip } from '@modstead/gomod/zip/check'
import { ModsteadError } from '../../server/src/errors.ts'
import type { Origin, VersionList } from '../../server/src/proxy/origin.ts'
import type { GitRepository } from './git-repositories.ts'
import { createGoHome } from './go.ts'

/** What one side says of a query. */
export interface Said {
  error?: string
  version?: string
  /** The `.info` of a version, or the Version and Origin of another query. */
  info?: unknown
  goModH1?: string
  zip?: string
}

const signal = new AbortController().signal
const ASKED = { signal, priority: 'client' } as const

/** What the real `go` says when it asks the repository itself: what is called `root` is that repository. */
export async function askGo(asked: {
  module: string
  query: string
  git: GitRepository
  root: string
  /** Where `go` has its home. */
  parent: string
}): Promise<Said> {
  const { module, query, git, root, parent } = asked
  const go = await createGoHome({
    proxy: 'direct',
    parent,
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
    // A query may give a version that go itself refuses then: nobody can have its files.
    const given = said.Info !== undefined && said.GoMod !== undefined
    if (said.Version === undefined || (!given && said.Error !== undefined))
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

/** What our origin says. */
export async function askUs(origin: Origin, module: string, query: string): Promise<Said> {
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
  const retract = intervalsIn(bytes)
  return (version) =>
    retract.some(({ low, high }) => compare(low, version) <= 0 && compare(version, high) <= 0)
}

/** A go.mod that cannot be read retracts nothing. */
function intervalsIn(bytes: Buffer): readonly { low: string; high: string }[] {
  try {
    return parseGoMod(bytes.toString(), { mode: 'lax' }).retract
  } catch (error) {
    if (error instanceof GomodError) return []
    throw error
  }
}

function withoutTime(bytes: Buffer, query: string): unknown {
  const { Version, Origin } = JSON.parse(bytes.toString()) as Record<string, unknown>
  return { Version, Origin: withoutTags(Origin, query) }
}

/** To the origin of the latest version `go` adds the tags of the list that it chose it from. */
function withoutTags(origin: unknown, query: string): unknown {
  if (query !== 'latest' || origin === undefined) return origin
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

/** Whether both say the same; why something is refused may be said in other words. */
export function agree(theirs: Said, ours: Said): boolean {
  if (theirs.error !== undefined || ours.error !== undefined)
    return (theirs.error === undefined) === (ours.error === undefined)
  return isDeepStrictEqual(hasOrigin(theirs) ? ours : withoutOrigin(ours), theirs)
}

/** To the latest version `go` puts the origin of the list and that of the commit together, and none where they differ. */
function hasOrigin({ info }: Said): boolean {
  return typeof info !== 'object' || info === null || !('Origin' in info) || info.Origin !== undefined
}

function withoutOrigin(said: Said): Said {
  return { ...said, info: { ...(said.info as object), Origin: undefined } }
}

export function show(said: Said): string {
  return JSON.stringify(said, undefined, 1)
}
