/** What the tests of this room share. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { hashGoMod } from '@modstead/gomod/dirhash'
import { checkPath } from '@modstead/gomod/path'
import { checkVersion } from '@modstead/gomod/version'
import type { Observer } from '../observe/observer.ts'
import type { ArtifactKind } from '../proxy/request.ts'
import type { StoreKey } from '../proxy/store.ts'

/** A temporary folder that is deleted after the test. */
export async function temporaryFolder(t: Pick<TestContext, 'after'>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'modstead-store-'))
  t.after(() => rm(path, { recursive: true, force: true }))
  return path
}

/** An observer that remembers log lines. */
export function createTestObserver(): Observer & {
  lines: { level: string; message: string; fields: object }[]
} {
  const lines: { level: string; message: string; fields: object }[] = []
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, message, fields })
  return {
    lines,
    log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    counter: () => ({ add() {} }),
    gauge() {},
    expose: () => Promise.resolve({ contentType: 'text/plain', body: '' }),
  }
}

/** `key('zip', 'example.com/a', 'v1.0.0')`, of the public realm unless another is named. */
export function key(kind: ArtifactKind, module: string, version: string, realm = 'public'): StoreKey {
  return { realm, kind, module: checkPath(module), version: checkVersion(module, version) }
}

/** Some dirhash, the same for the same text. */
export function someHash(text: string): string {
  return hashGoMod(Buffer.from(text))
}

/** All that an iteration gives. */
export async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of iterable) all.push(value)
  return all
}
