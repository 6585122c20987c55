import { compare, isValid } from '@modstead/gomod/semver'
import type { RemoteRefs } from '../wire/advertisement.ts'
import { tagOf } from '../versions/tags.ts'

/** Tags that are fetched beside one that was asked for, at most. */
const MOST = 63

/**
 * Chooses what to fetch along with a tag: its neighbours among the versions of the same module, because who wants one
 * version after the other (a new team, a mirror, a CI of many branches) goes on so. The first tag comes alone, as fast as
 * it can; then one more with it, then three, seven, and so on: what nobody wants is never much more than what somebody did.
 */
export function createNeighbours(): (
  ref: string,
  refs: RemoteRefs,
  isHere: (hash: string) => boolean,
) => string[] {
  let count = 0
  return (ref, { byName }, isHere) => {
    const most = count
    count = Math.min(MOST, count * 2 + 1)
    const tag = tagOf(ref)
    if (tag === undefined || most === 0) return []
    const folder = tag.slice(0, tag.lastIndexOf('/') + 1)
    const versions = [...byName]
      .flatMap(([name, hash]) => {
        const version = tagOf(name)?.startsWith(folder) === true ? tagOf(name)!.slice(folder.length) : ''
        return isValid(version) ? [{ version, hash }] : []
      })
      .sort((a, b) => compare(a.version, b.version))
    const own = versions.findIndex(({ hash }) => hash === byName.get(ref))
    const nearest = versions
      .map(({ hash }, place) => ({ hash, distance: Math.abs(place - own) }))
      .filter(({ hash }) => !isHere(hash))
      .sort((a, b) => a.distance - b.distance)
    return [...new Set(nearest.map(({ hash }) => hash))].slice(0, most)
  }
}
