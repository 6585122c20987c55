/** What the tests of this room share. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { hashGoMod } from '@modstead/gomod/dirhash'
import { checkPath, type ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import type { Observer } from '../observe/observer.ts'

/** A temporary folder that is deleted after the test. */
export async function temporaryFolder(t: Pick<TestContext, 'after'>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'modstead-catalog-'))
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

export function path(module: string): ModulePath {
  return checkPath(module)
}

export function version(text: string): Version {
  return text as Version
}

/** Some h1, the same for the same text. */
export function someH1(text: string): string {
  return hashGoMod(Buffer.from(text))
}

/** Some SHA-256 in hex, the same for the same digit. */
export function someSha256(digit: string): string {
  return digit.repeat(64)
}
