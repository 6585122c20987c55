import { isPseudoVersion } from '@modstead/gomod/pseudo'
import { matchPathMajor } from '@modstead/gomod/path'
import { canonical, major, sort } from '@modstead/gomod/semver'
import { tagPrefix, type Asked } from './code.ts'
import { tagsWith } from './tags.ts'

/** A version that a module has as a tag, and the commit of that tag. */
export interface TaggedVersion {
  version: string
  hash: string
}

/**
 * The versions of a module in semantic order, as its tags name them; those `+incompatible` last. Not every tag is a
 * version: it must be canonical, be no pseudo-version, and fit the major version of the path. The rule is that of
 * codeRepo.Versions in cmd/go.
 */
export async function listVersions(asked: Asked): Promise<TaggedVersion[]> {
  const { refs, module } = asked
  // The tags of such a repository belong to the module without that suffix.
  if (module.path.startsWith('gopkg.in/') && module.path.endsWith('-unstable')) return []
  const prefix = tagPrefix(module)
  const hashes = new Map<string, string>()
  for (const { name, hash } of tagsWith(prefix, refs)) {
    const version = name.slice(prefix.length)
    if (version !== '' && version === canonical(version) && !isPseudoVersion(version))
      hashes.set(version, hash)
  }
  const fitting: string[] = []
  const other: string[] = []
  for (const version of hashes.keys()) {
    if (matchPathMajor(version, module.pathMajor)) fitting.push(version)
    else if (module.folder === '' && module.pathMajor === '' && isBeyondV1(version)) other.push(version)
  }
  const list = sort(fitting).map((version) => ({ version, hash: hashes.get(version)! }))
  const incompatible = other.length === 0 ? [] : await incompatibleVersions(asked, list, sort(other))
  return [
    ...list,
    ...incompatible.map((version) => ({
      version: `${version}+incompatible`,
      hash: hashes.get(version)!,
    })),
  ]
}

/**
 * The versions from v2 on that a module without a go.mod has: none where its newest compatible version has one, and
 * none of a major version whose newest has one (go.dev/issue/34165, go.dev/issue/34189).
 */
async function incompatibleVersions(
  asked: Asked,
  list: readonly TaggedVersion[],
  candidates: readonly string[],
): Promise<string[]> {
  const newest = list.at(-1)
  if (newest !== undefined && (await hasGoMod(asked, newest.version))) return []
  const kept: string[] = []
  for (const of of new Set(candidates.map(major))) {
    const versions = candidates.filter((version) => major(version) === of)
    if (!(await hasGoMod(asked, versions.at(-1)!))) kept.push(...versions)
  }
  return kept
}

async function hasGoMod({ code, refs }: Asked, version: string): Promise<boolean> {
  const ref = `refs/tags/${version}`
  const commit = await code.commit(refs.byName.get(ref)!, ref)
  if (commit === undefined) return false
  const [goMod] = await code.read(commit.hash, ['go.mod'])
  return goMod !== undefined
}

/** As text, like cmd/go: v10 is not "beyond" v2 there, but it is beyond v1. */
function isBeyondV1(version: string): boolean {
  return major(version) > 'v1'
}

/** The tag that a version of a module is read from. */
export function tagForVersion(version: string, asked: Pick<Asked, 'module'>): string {
  return tagPrefix(asked.module) + version.replace(/\+incompatible$/, '')
}
