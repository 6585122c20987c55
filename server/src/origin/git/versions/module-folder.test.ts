import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splitPathVersion } from '@modstead/gomod/path'
import type { Code, ModuleLocation } from './code.ts'
import { findModuleFolder } from './module-folder.ts'

test('why a commit has no such module is said in words', async () => {
  const rows: [path: string, version: string, files: Record<string, string>, reason: RegExp][] = [
    [
      'corp.example/lib',
      'v1.0.0',
      { 'go.mod': 'go 1.21\n' },
      /: go\.mod declares no module, and needs the line "module corp\.example\/lib"$/,
    ],
    [
      'corp.example/lib',
      'v1.0.0',
      { 'go.mod': 'module corp.example/lib/v2\n' },
      /: go\.mod declares corp\.example\/lib\/v2, which is not for v1$/,
    ],
    [
      'corp.example/lib/v2',
      'v2.0.0',
      { 'v2/go.mod': '' },
      /: v2\/go\.mod declares no module, and needs the line "module corp\.example\/lib\/v2"$/,
    ],
  ]
  for (const [path, version, files, reason] of rows) {
    const read = async (_: string, names: readonly string[]) =>
      names.map((name) => (name in files ? Buffer.from(files[name]!) : undefined))
    const { pathMajor } = splitPathVersion(path)!
    const module = { path, pathMajor, folder: '', root: 'corp.example/lib' } as ModuleLocation
    const found = findModuleFolder({ read } as unknown as Code, module, 'abc', version)
    await assert.rejects(found, { code: 'not_found', message: reason })
  }
})
