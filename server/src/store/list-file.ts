/**
 * What a derived `list` file says, so that the tree is a valid `GOPROXY=file://`.
 *
 * It names the versions whose `.info`, `.mod` and `.zip` are all stored: what a file tree can serve whole. A line
 * that is already there, written by `go` in a cache that became our data folder, stays as long as its `.mod` does:
 * that is go's own rule, and the versions of a cache that `go build` filled have no `.info`. Pseudo-versions are
 * named too; `go` sorts them out. Lines may carry a time after the version, which is kept.
 */
import { compareText } from '@modstead/gomod/order'
import type { ModulePath } from '@modstead/gomod/path'
import { compare } from '@modstead/gomod/semver'
import type { ArtifactKind } from '../proxy/request.ts'
import { versionFileOf } from './layout.ts'

export interface ListOptions {
  module: ModulePath
  /** The names in the module's `@v` folder. */
  names: readonly string[]
  /** What the list file says now; `''` where there is none. */
  before: string
  /** Versions of which a file was removed: their lines do not stay for the sake of their `.mod`. */
  removed: ReadonlySet<string>
}

/** The text of the list: one version a line, in the order of versions. */
export function deriveList({ module, names, before, removed }: ListOptions): string {
  const stored = new Map<string, number>()
  for (const name of names) {
    const file = versionFileOf(module, name)
    if (file !== undefined) stored.set(file.version, (stored.get(file.version) ?? 0) | BIT[file.kind])
  }
  const lines = new Map<string, string>()
  for (const line of before.split('\n')) {
    const text = line.trim()
    const version = text.split(/\s/, 1)[0]!
    const kinds = stored.get(version) ?? 0
    if (kinds === COMPLETE || ((kinds & BIT.mod) !== 0 && !removed.has(version))) lines.set(version, text)
  }
  for (const [version, kinds] of stored) {
    if (kinds === COMPLETE && !lines.has(version)) lines.set(version, version)
  }
  const sorted = [...lines].sort(([a], [b]) => compare(a, b) || compareText(a, b))
  return sorted.map(([, line]) => `${line}\n`).join('')
}

const BIT: Record<ArtifactKind, number> = { info: 1, mod: 2, zip: 4 }
const COMPLETE = 7
