import { isPseudoVersion, pseudoVersionRev } from '@modstead/gomod/pseudo'
import { build, isValid } from '@modstead/gomod/semver'
import { ModsteadError } from '../../../errors.ts'
import { tagPrefix, type Asked, type Commit } from './code.ts'
import { tagsAt } from './tags.ts'

/** What a query stands for: a commit, and what is known of how it was named. */
export interface Revision extends Commit {
  /** The full name of the ref that leads to it, where one was asked for or has its hash. */
  ref: string | undefined
  /** All of its tags, by the bytes of their names. */
  tags: readonly string[]
  /** The tag that was asked for, where it was a tag. */
  tag: string | undefined
}

/** Digits of a hash that are enough to be one: git shows no fewer. */
const FEWEST_DIGITS = 7

/**
 * The commit that `query` stands for: a version (its tag, or the hash in a pseudo-version), a tag, a branch, or the
 * beginning of a hash, in this order. Only what branches and tags lead to counts: hosts also show commits of merge
 * requests, which nobody accepted. Throws `not_found`. The rule is that of gitRepo.Stat in cmd/go.
 */
export async function findRevision(query: string, asked: Asked): Promise<Revision> {
  const { code, refs } = asked
  const name = nameInRepository(query, asked)
  const found = (await refOrHash(name, asked)) ?? { hash: undefined, ref: undefined }
  const commit = found.hash === undefined ? undefined : await code.commit(found.hash, found.ref)
  if (commit === undefined) throw unknown(query, asked, `${code.url} has no tag, branch or commit ${name}`)
  const tag = found.ref === `refs/tags/${name}` ? name : undefined
  // `go` fetches HEAD by its hash, and forgets how it came to it unless the latest commit was asked for.
  const ref = found.ref === 'HEAD' ? undefined : found.ref
  return { ...commit, ref, tags: tagsAt(commit.hash, refs), tag }
}

/** The commit that HEAD of the repository leads to. Throws `not_found` where there is none. */
export async function findHead(asked: Asked): Promise<Revision> {
  const { code, refs } = asked
  const hash = refs.byName.get('HEAD')
  const commit = hash === undefined ? undefined : await code.commit(hash, 'HEAD')
  if (commit === undefined) throw unknown('latest', asked, `${code.url} has no commits`)
  return { ...commit, ref: 'HEAD', tags: tagsAt(commit.hash, refs), tag: undefined }
}

/**
 * The commit that a version was first seen at. Throws `upstream_failed` where the repository does not have it any more:
 * another commit of the same name must not take its place.
 */
export async function revisionAt(hash: string, version: string, asked: Asked): Promise<Revision> {
  const { code, refs, module } = asked
  const names = refs.namesOf(hash)
  const ref = names.find((name) => name === `refs/tags/${nameInRepository(version, asked)}`) ?? names[0]
  const commit = await code.commit(hash, ref)
  if (commit !== undefined) return { ...commit, ref, tags: tagsAt(hash, refs), tag: undefined }
  throw new ModsteadError(
    'upstream_failed',
    `${module.path}@${version} was first seen at commit ${hash}, which ${code.url} does not have any more`,
    { next: 'bring that commit back under any branch or tag, or release the change as a new version' },
  )
}

/** A version of a module in a folder is the tag `folder/version`; every other query is a name as it stands. */
function nameInRepository(query: string, { module }: Asked): string {
  if (!isValid(query)) return query
  if (isPseudoVersion(query)) return pseudoVersionRev(query)
  return (
    tagPrefix(module) + (build(query) === '+incompatible' ? query.slice(0, -'+incompatible'.length) : query)
  )
}

async function refOrHash(
  name: string,
  asked: Asked,
): Promise<{ hash: string; ref: string | undefined } | undefined> {
  const { code, refs } = asked
  for (const ref of [`refs/tags/${name}`, `refs/heads/${name}`, ...(name === 'HEAD' ? ['HEAD'] : [])]) {
    const hash = refs.byName.get(ref)
    if (hash !== undefined) return { hash, ref }
  }
  if (!/^[0-9a-f]+$/.test(name) || name.length < FEWEST_DIGITS || name.length > refs.hashLength)
    return undefined
  const known = new Set([...refs.byName.values()].filter((hash) => hash.startsWith(name)))
  if (known.size > 1) throw ambiguous(name, asked)
  const [hash] = known
  if (hash !== undefined) return { hash, ref: refs.namesOf(hash)[0] }
  const expanded = await code.expand(name, refs)
  if (expanded === 'ambiguous') throw ambiguous(name, asked)
  return expanded === undefined ? undefined : { ...expanded, ref: undefined }
}

function ambiguous(name: string, asked: Asked): ModsteadError {
  return unknown(name, asked, `more than one commit of ${asked.code.url} begins with ${name}`)
}

function unknown(query: string, { module }: Asked, reason: string): ModsteadError {
  return new ModsteadError('not_found', `${module.path}@${query}: unknown revision: ${reason}`)
}
