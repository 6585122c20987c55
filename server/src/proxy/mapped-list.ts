import { GomodError } from '@modstead/gomod/error'
import { parseGoMod } from '@modstead/gomod/modfile/parse'
import { isPseudoVersion } from '@modstead/gomod/pseudo'
import { build, compare, prerelease, sort } from '@modstead/gomod/semver'
import type { Version } from '@modstead/gomod/version'
import { isAbsence } from '../errors.ts'

/** Gives the go.mod of a version. */
export type NewestMod = (version: Version) => Promise<Uint8Array>

/**
 * The list of a module that is held at one version: that version and no other, or nothing where it is a pseudo-version,
 * which no list has: `go` then asks for `@latest`.
 *
 * `go` reads which versions are retracted from the go.mod of the newest version in the list, retracted or not, and never
 * takes a retracted one for `latest`. So the newest version stays in the list where it retracts itself: nobody is given
 * it, and what it says of the others is known. A newest version that does not would be taken for `latest`; its
 * retractions cannot be shown without it, and are left out.
 */
export async function mappedList(
  body: Uint8Array,
  held: Version | undefined,
  newestMod: NewestMod,
  onFailure: (error: unknown) => void,
): Promise<Buffer> {
  const lines = new Map(
    Buffer.from(body)
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => [line.split(' ', 1)[0]!, line]),
  )
  const kept = new Set<string>()
  if (held !== undefined && !isPseudoVersion(held)) kept.add(held)
  const newest = newestOf(lines.keys())
  if (newest !== undefined && newest !== held && (await retractsItself(newest, newestMod, onFailure)))
    kept.add(newest)
  return Buffer.from(
    sort(kept)
      .map((version) => `${lines.get(version) ?? version}\n`)
      .join(''),
  )
}

/** The version that `go` takes for the newest: releases before pre-releases. */
function newestOf(versions: Iterable<string>): Version | undefined {
  const sorted = sort(versions).filter((version) => build(version) !== '+incompatible')
  return (sorted.findLast((version) => prerelease(version) === '') ?? sorted.at(-1)) as Version | undefined
}

/** A go.mod that cannot be found or read retracts nothing, for `go` as well. */
async function retractsItself(
  version: Version,
  newestMod: NewestMod,
  onFailure: (error: unknown) => void,
): Promise<boolean> {
  try {
    const { retract } = parseGoMod(Buffer.from(await newestMod(version)).toString(), { mode: 'lax' })
    return retract.some(({ low, high }) => compare(low, version) <= 0 && compare(version, high) <= 0)
  } catch (error) {
    if (!(error instanceof GomodError) && !isAbsence(error)) onFailure(error)
    return false
  }
}
