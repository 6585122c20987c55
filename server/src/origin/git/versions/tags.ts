import { createHash } from 'node:crypto'
import { compareText } from '@modstead/gomod/order'
import { isPseudoVersion } from '@modstead/gomod/pseudo'
import { canonical } from '@modstead/gomod/semver'
import type { RemoteRefs } from '../wire/advertisement.ts'
import { tagPrefix, type ModuleLocation } from './code.ts'

const TAGS = 'refs/tags/'

/** The name of a tag without `refs/tags/`; `undefined` for other refs. */
export function tagOf(ref: string): string | undefined {
  return ref.startsWith(TAGS) ? ref.slice(TAGS.length) : undefined
}

/** Tags that begin with `prefix`, by the bytes of their names, and the commits they stand for. */
export function tagsWith(prefix: string, { byName }: RemoteRefs): { name: string; hash: string }[] {
  const tags: { name: string; hash: string }[] = []
  for (const [ref, hash] of byName)
    if (ref.startsWith(TAGS + prefix)) tags.push({ name: ref.slice(TAGS.length), hash })
  return tags.sort((a, b) => compareText(a.name, b.name))
}

/** The tags of a commit, by the bytes of their names. */
export function tagsAt(hash: string, refs: RemoteRefs): string[] {
  return refs.namesOf(hash).flatMap((ref) => tagOf(ref) ?? [])
}

/**
 * The version that a tag of a module's repository stands for, and whether the tag is written just like it: `v1.2.3+meta`
 * stands for v1.2.3 without being it. `undefined` for tags of other modules and for what is no version.
 */
export function versionOfTag(
  tag: string,
  module: ModuleLocation,
): { version: string; exact: boolean } | undefined {
  const prefix = tagPrefix(module)
  if (!tag.startsWith(prefix) || isPseudoVersion(tag)) return undefined
  const text = tag.slice(prefix.length)
  const version = canonical(text)
  if (version === '' || !text.startsWith(version)) return undefined
  return { version, exact: version === text }
}

/**
 * The checksum of the tags that begin with `prefix`, as `go` writes it into `.info` files to find out whether the
 * answer still holds (cmd/go/internal/modfetch/codehost, gitRepo.Tags).
 */
export function tagSum(prefix: string, refs: RemoteRefs): string {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  const sum = createHash('sha256')
  for (const { name, hash } of tagsWith(prefix, refs)) {
    const text = name.startsWith(folder) ? name.slice(folder.length) : name
    const version = canonical(text)
    if (version !== '' && text.startsWith(version) && !isPseudoVersion(text))
      sum.update(`${quoted(name)} ${hash}\n`)
  }
  return `t1:${sum.digest('base64')}`
}

/** Go's %q of a tag: what a ref may be called leaves only quotes and characters beyond ASCII to escape. */
function quoted(name: string): string {
  return JSON.stringify(name)
}
