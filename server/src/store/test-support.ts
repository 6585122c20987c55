/** What the tests of this room share. */
import { checkPath } from '@modstead/gomod/path'
import { checkVersion } from '@modstead/gomod/version'
import type { ArtifactKind } from '../proxy/request.ts'
import type { StoreKey } from '../proxy/store.ts'

/** `key('zip', 'example.com/a', 'v1.0.0')`, of the public realm unless another is named. */
export function key(kind: ArtifactKind, module: string, version: string, realm = 'public'): StoreKey {
  return { realm, kind, module: checkPath(module), version: checkVersion(module, version) }
}

/** All that an iteration gives. */
export async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of iterable) all.push(value)
  return all
}
