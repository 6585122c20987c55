import { GomodError } from '@modstead/gomod/error'
import { matchPathMajor } from '@modstead/gomod/path'
import { isPseudoVersion, pseudoVersion } from '@modstead/gomod/pseudo'
import { compare, major } from '@modstead/gomod/semver'
import { canonicalVersion, isCanonicalFor, type Version } from '@modstead/gomod/version'
import { ModsteadError } from '../../../errors.ts'
import { tagPrefix, type Asked, type ModuleLocation } from './code.ts'
import { majorOf } from './location.ts'
import { findModuleFolder } from './module-folder.ts'
import { checkPseudoVersion } from './pseudo-check.ts'
import { retractedVersions } from './retractions.ts'
import type { Revision } from './revision.ts'
import { versionOfTag } from './tags.ts'

/** What a query resolved to. */
export interface Resolved {
  version: Version
  revision: Revision
}

const INCOMPATIBLE = /\+incompatible$/

/**
 * The version of a module that a revision is: what was asked for where that is a version, otherwise the highest tag on
 * it, otherwise a pseudo-version after the highest tag before it; without retracted ones. `query` is `''` for the
 * latest. Throws `not_found` with the reason. The rule is that of codeRepo.convert in cmd/go, but for tags that have
 * moved: a version that was first seen at another commit (`firstSeen`) is not what this one is called.
 */
export async function resolveRevision(
  query: string,
  found: Revision,
  asked: Asked,
  firstSeen: ReadonlyMap<string, string> = new Map(),
): Promise<Resolved> {
  const { code, module } = asked
  const moved = new Set(found.tags.filter((tag) => hasMoved(tag, found.hash, module, firstSeen)))
  const revision = {
    ...found,
    tags: found.tags.filter((tag) => !moved.has(tag)),
    tag: moved.has(found.tag ?? '') ? undefined : found.tag,
  }
  const goMods = new Map<string, boolean>()

  async function has(file: string): Promise<boolean> {
    const known = goMods.get(file)
    if (known !== undefined) return known
    const [found] = await code.read(revision.hash, [file])
    goMods.set(file, found !== undefined)
    return found !== undefined
  }

  /** Only the root of a repository without any go.mod for that major version may have such versions. */
  async function mayBeIncompatible(version: string): Promise<boolean> {
    if (module.folder !== '' || module.pathMajor !== '' || (await has('go.mod'))) return false
    // Who asks for it in so many words gets it, as older versions of `go` did (go.dev/issue/51324).
    return INCOMPATIBLE.test(query) || !(await has(`${major(version)}/go.mod`))
  }

  /** `version` with the suffix it needs, if this revision may be called so. */
  async function accept(version: string): Promise<Resolved> {
    await findModuleFolder(code, module, revision.hash, version)
    const wanted = version === query.replace(INCOMPATIBLE, '') ? query : version
    const base = wanted.replace(INCOMPATIBLE, '')
    let accepted = wanted
    let problem: string | undefined
    if (!matchPathMajor(base, module.pathMajor)) {
      if (await mayBeIncompatible(base)) accepted = `${base}+incompatible`
      else if (module.pathMajor !== '') problem = `the path asks for ${module.pathMajor.slice(1)}`
      else problem = `it has a go.mod, so its path must end in /${major(wanted)}`
    } else if (INCOMPATIBLE.test(wanted)) problem = `${major(wanted)} needs no +incompatible`
    if (query !== '' && query === canonicalVersion(query) && query.replace(INCOMPATIBLE, '') !== base)
      throw invalid(query, asked, `it is ${accepted}, and ${query.replace(INCOMPATIBLE, '')} is no tag`)
    if (problem !== undefined) throw invalid(wanted, asked, problem)
    if (!isCanonicalFor(module.path, accepted)) throw invalid(accepted, asked, 'the major versions differ')
    return { version: accepted, revision }
  }

  async function fits(version: string): Promise<boolean> {
    return matchPathMajor(version, module.pathMajor) || mayBeIncompatible(version)
  }

  if (isPseudoVersion(query)) {
    const resolved = await accept(query)
    await checkPseudoVersion(query, revision, asked)
    return resolved
  }

  const tagged = revision.tag === undefined ? undefined : versionOfTag(revision.tag, module)
  if (tagged?.exact === true) {
    const resolved = await unlessAbsent(accept(tagged.version))
    if (resolved !== undefined) return resolved
  }

  const isRetracted = await retractedVersions(asked)
  let highest = ''
  let base = ''
  for (const tag of revision.tags) {
    const found = versionOfTag(tag, module)
    if (query !== '' && isSameVersion(found?.version ?? '', query)) {
      if (found?.exact === true) return accept(found.version)
      base = found?.version ?? ''
    }
    if (found?.exact !== true || compare(highest, found.version) >= 0 || isRetracted(found.version)) continue
    if (await fits(found.version)) highest = found.version
  }
  if (highest !== '') return accept(highest)
  if (base === '') base = await highestBefore()
  return accept(pseudoVersionOf(base))

  async function highestBefore(): Promise<string> {
    let highest = ''
    const prefix = tagPrefix(module)
    // Without a tag that could be the base nobody has to know the history.
    const plausible = [...asked.refs.byName.keys()].some((ref) => ref.startsWith(`refs/tags/${prefix}v`))
    if (!plausible) return ''
    for (const tag of await code.tagsBefore(revision.hash, asked.refs)) {
      const version = moved.has(tag) ? undefined : versionOfTag(tag, module)?.version
      if (version === undefined || compare(highest, version) >= 0 || isRetracted(version)) continue
      if (await fits(version)) highest = version
    }
    return highest
  }

  function pseudoVersionOf(older: string): string {
    try {
      return pseudoVersion(majorOf(module), older, revision.time, revision.hash.slice(0, 12))
    } catch (error) {
      if (error instanceof GomodError) throw invalid(query || 'latest', asked, error.message)
      throw error
    }
  }
}

/** Whether the version that a tag of this commit stands for was first seen at another one. */
function hasMoved(
  tag: string,
  hash: string,
  module: ModuleLocation,
  firstSeen: ReadonlyMap<string, string>,
): boolean {
  const version = versionOfTag(tag, module)
  if (version?.exact !== true) return false
  const first = firstSeen.get(version.version) ?? firstSeen.get(`${version.version}+incompatible`)
  return first !== undefined && first !== hash
}

/** Equal as versions, build metadata aside; two texts that are no versions are not. */
function isSameVersion(version: string, query: string): boolean {
  return version !== '' && canonicalVersion(query) !== '' && compare(version, query) === 0
}

async function unlessAbsent(work: Promise<Resolved>): Promise<Resolved | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof ModsteadError && error.code === 'not_found') return undefined
    throw error
  }
}

function invalid(version: string, { module }: Asked, reason: string): ModsteadError {
  return new ModsteadError('not_found', `${module.path}@${version} is no version of this module: ${reason}`)
}
