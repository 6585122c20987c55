import { isPseudoVersion } from '@modstead/gomod/pseudo'
import { tagPrefix, type Asked } from './code.ts'
import type { Resolved } from './resolve.ts'
import { tagSum } from './tags.ts'

/**
 * The `.info` file of a resolved query as `go` writes it: the version, the time of the commit, and where it came from
 * (cmd/go/internal/modfetch, RevInfo and codehost.Origin).
 *
 * With a query other than the version itself it says what the answer depends on: the ref, and for a pseudo-version the
 * tags that could come before it. A version is what it is: its file, byte for byte that of Go's own cache, has the ref
 * of its tag at most.
 */
export function formatInfo(query: string, { version, revision }: Resolved, asked: Asked): Buffer {
  const { code, module } = asked
  const isPseudo = isPseudoVersion(version)
  const isExact = query === version
  const origin = {
    VCS: 'git',
    URL: code.url,
    ...(module.folder !== '' && { Subdir: module.folder }),
    Hash: revision.hash,
    ...(isPseudo && !isExact && tagsItDependsOn(asked)),
    ...(revision.ref !== undefined && !(isPseudo && isExact) && { Ref: revision.ref }),
  }
  const info = { Version: version, Time: formatTime(revision.time), Origin: origin }
  return Buffer.from(escapeLikeGo(JSON.stringify(info)))
}

function tagsItDependsOn({ module, refs }: Asked): { TagPrefix?: string; TagSum: string } {
  const prefix = tagPrefix(module) + (module.pathMajor === '' ? '' : `${module.pathMajor.slice(1)}.`)
  return { ...(prefix !== '' && { TagPrefix: prefix }), TagSum: tagSum(prefix, refs) }
}

/** RFC 3339 without fractions, which commits do not have. */
export function formatTime(time: Date): string {
  return time.toISOString().replace('.000Z', 'Z')
}

/** encoding/json of Go escapes what could end a script in a web page, and two line separators. */
function escapeLikeGo(json: string): string {
  return json.replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
