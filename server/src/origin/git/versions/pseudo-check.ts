import { GomodError } from '@modstead/gomod/error'
import { pseudoVersionBase, pseudoVersionRev, pseudoVersionTime } from '@modstead/gomod/pseudo'
import { compare, major } from '@modstead/gomod/semver'
import { ModsteadError } from '../../../errors.ts'
import { tagPrefix, type Asked } from './code.ts'
import { majorOf } from './location.ts'
import type { Revision } from './revision.ts'
import { tagsWith } from './tags.ts'

/**
 * Checks that a pseudo-version says of a commit what is true: its hash in twelve digits, its time, and a tag before it.
 * Otherwise a commit would have names without end, and could be given any rank among the versions.
 * Throws `not_found` with the reason. The rule is that of codeRepo.validatePseudoVersion in cmd/go.
 */
export async function checkPseudoVersion(version: string, revision: Revision, asked: Asked): Promise<void> {
  const { refs, code, module } = asked
  const fail = (reason: string): ModsteadError =>
    new ModsteadError('not_found', `${module.path}@${version} is an invalid pseudo-version: ${reason}`)
  const short = revision.hash.slice(0, 12)
  const rev = pseudoVersionRev(version)
  if (rev !== short) {
    if (rev.startsWith(short)) throw fail(`the revision is longer than canonical (expected ${short})`)
    if (short.startsWith(rev)) throw fail(`the revision is shorter than canonical (expected ${short})`)
    throw fail(`it does not match the short name of the revision (expected ${short})`)
  }
  const { time, base } = partsOf(version, fail)
  if (time.getTime() !== revision.time.getTime())
    throw fail(`its time is not that of the commit (expected ${stamp(revision.time)})`)
  if (base === '') {
    if (majorOf(module) === '' && major(version) === 'v1')
      throw fail('a major version without a preceding tag must be v0, not v1')
    return
  }
  const prefix = tagPrefix(module)
  // cmd/go takes the prefix off where there is one: a tag of the root that reads the same counts below it, too.
  const own = revision.tags.find((tag) => tag === prefix + base || tag === base)
  if (own !== undefined) throw fail(`the tag ${own} is on this commit, which should be called by it`)
  const candidates = tagsWith(prefix + base, refs).filter(
    ({ name }) => compare(name.slice(prefix.length), base) === 0,
  )
  if (candidates.length === 0) throw fail(`the preceding tag (${base}) was not found`)
  const before = new Set(await code.tagsBefore(revision.hash, refs))
  if (!candidates.some(({ name }) => before.has(name)))
    throw fail(`revision ${short} is not a descendant of the preceding tag (${candidates.at(-1)!.name})`)
}

function partsOf(version: string, fail: (reason: string) => ModsteadError): { time: Date; base: string } {
  try {
    const base = pseudoVersionBase(version.replace(/\+incompatible$/, ''))
    return { time: pseudoVersionTime(version), base }
  } catch (error) {
    if (error instanceof GomodError) throw fail(error.message)
    throw error
  }
}

function stamp(time: Date): string {
  return time.toISOString().replace(/[-T:]/g, '').slice(0, 14)
}
