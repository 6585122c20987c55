import { parseGoMod } from '@modstead/gomod/modfile/parse'
import { compare } from '@modstead/gomod/semver'
import { isModulePath, type ModulePath } from '@modstead/gomod/path'
import { isCanonicalFor, type Version } from '@modstead/gomod/version'

/** Bytes of a go.mod that is worth parsing for a guess; those of the largest known projects have a tenth. */
const LARGEST = 256 << 10

/**
 * What a go.mod requires, and whether module graph pruning stops at it: from go 1.17 on a go.mod lists all that is
 * needed to build its module, so that `go` does not read the go.mod files behind it (go.dev/ref/mod#graph-pruning).
 * A file that does not parse requires nothing: whether it is valid is for `go` to say.
 */
export function requirementsOf(goMod: Buffer): {
  pruned: boolean
  requires: { path: ModulePath; version: Version }[]
} {
  if (goMod.length > LARGEST) return { pruned: true, requires: [] }
  try {
    const parsed = parseGoMod(goMod.toString('utf8'), { mode: 'lax' })
    const requires = parsed.require.flatMap(({ path, version }) =>
      isModulePath(path) && isCanonicalFor(path, version) ? [{ path, version }] : [],
    )
    return { pruned: parsed.go !== undefined && compare(`v${parsed.go.version}`, 'v1.17') >= 0, requires }
  } catch {
    return { pruned: true, requires: [] }
  }
}
