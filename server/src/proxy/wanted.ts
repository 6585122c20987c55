import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import type { VersionFacts } from './catalog.ts'
import type { ChecksumRecord } from './checksums.ts'
import type { ExactOptions, OnBehalf, OriginOptions } from './origin.ts'
import type { ArtifactKind } from './request.ts'
import type { Route } from './route.ts'
import type { StoreKey } from './store.ts'

/** One file of a module version, with the route that says where it may come from. */
export interface Wanted<Kind extends ArtifactKind = ArtifactKind> {
  route: Route
  kind: Kind
  module: ModulePath
  version: Version
}

/** The files of a version; the zip first, without which a version does not count as whole. */
export const KINDS: readonly ArtifactKind[] = ['zip', 'info', 'mod']

/** Somebody waits for it. */
export const FOR_CLIENT: OnBehalf = { priority: 'client' }

/** Where contents that are to be accepted come from: an origin, or the store itself, where someone else put them. */
export type Source = { name: string; stored: false } | { name: 'store'; stored: true }

export const FROM_STORE: Source = { name: 'store', stored: true }

/** e.g. `mod example.com/m@v1.0.0`: shown to people. */
export function nameOf(wanted: Wanted): string {
  return `${wanted.kind} ${wanted.module}@${wanted.version}`
}

/** The same, apart for each realm: the key of flights and absences. */
export function keyOf(wanted: Wanted): string {
  return `${wanted.route.realm} ${nameOf(wanted)}`
}

export function storeKeyOf({ route, module, version, kind }: Wanted): StoreKey {
  return { realm: route.realm, module, version, kind }
}

/**
 * Starts the checksum database's look-up that a file needs, beside its download. It may fail before the file is there,
 * or for a file that is nowhere: whoever awaits it hears of it.
 */
export function startLookup(
  { route, module, version }: Wanted,
  options: OriginOptions,
): Promise<ChecksumRecord> | undefined {
  const record = route.checksum?.lookup(module, version, options)
  record?.catch(() => undefined)
  return record
}

/** What origins are told of a question about one version. */
export function exactOptions(options: {
  route: Route
  behalf: OnBehalf
  signal: AbortSignal
  /** What the catalog knows of the version. */
  known: VersionFacts | undefined
}): ExactOptions {
  const { route, behalf, signal, known } = options
  const { commit } = known ?? {}
  return { ...behalf, ...route.limits, signal, ...(commit !== undefined && { commit }) }
}
