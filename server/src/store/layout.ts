/**
 * Where a module file rests below the root of its realm. It is the layout of Go's own cache and of a GOPROXY:
 * `example.com/!upper/@v/v1.2.3.zip`, beside it `v1.2.3.ziphash` with the dirhash, and the derived file `list`.
 */
import { join } from 'node:path'
import { escapeCase, unescapeCase } from '@modstead/gomod/escape'
import { isModulePath, type ModulePath } from '@modstead/gomod/path'
import { isCanonicalFor, type Version } from '@modstead/gomod/version'
import { ModsteadError } from '../errors.ts'
import type { ArtifactKind } from '../proxy/request.ts'
import type { Realm, StoreKey } from '../proxy/store.ts'

/** The two places of module trees in a data folder. */
export interface TreeRoots {
  /** The tree of public modules. */
  readonly public: string
  /** The folder that holds a tree for each private realm. */
  readonly realms: string
}

export interface VersionFile {
  version: Version
  kind: ArtifactKind
}

/** Throws `internal` for a realm that cannot name a folder: configuration admits none such. */
export function realmRoot(roots: TreeRoots, realm: Realm): string {
  if (realm === 'public') return roots.public
  if (!REALM.test(realm)) throw new ModsteadError('internal', `"${realm}" cannot be the name of a realm`)
  return join(roots.realms, escaped(realm))
}

/** The realm whose folder below `realms` has this name; `undefined` if it is none of ours. */
export function realmOf(folder: string): Realm | undefined {
  const realm = unescapeCase(folder)
  return realm !== undefined && REALM.test(realm) ? realm : undefined
}

/** The `@v` folder of a module. */
export function moduleFolder(roots: TreeRoots, realm: Realm, module: ModulePath): string {
  return `${realmRoot(roots, realm)}/${escaped(module)}/@v`
}

export function filePath(roots: TreeRoots, key: StoreKey): string {
  return `${moduleFolder(roots, key.realm, key.module)}/${escaped(key.version)}.${key.kind}`
}

/** The module of a folder path below the root of a realm, without its `/@v`; `undefined` if it is none. */
export function moduleOf(folder: string): ModulePath | undefined {
  const module = unescapeCase(folder)
  return module !== undefined && isModulePath(module) ? module : undefined
}

/** What a file name in the `@v` folder of `module` stands for; `undefined` for everything that is no module file. */
export function versionFileOf(module: ModulePath, name: string): VersionFile | undefined {
  const dot = name.lastIndexOf('.')
  const kind = name.slice(dot + 1)
  if (kind !== 'info' && kind !== 'mod' && kind !== 'zip') return undefined
  const version = unescapeCase(name.slice(0, Math.max(dot, 0)))
  return version !== undefined && isCanonicalFor(module, version) ? { version, kind } : undefined
}

/** Letters, digits and `-_`, with single dots between them. */
const REALM = /^[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,8}$/

/** Module paths, versions and realms were checked when they were parsed: each has an escaped form. */
function escaped(name: string): string {
  return escapeCase(name)!
}
