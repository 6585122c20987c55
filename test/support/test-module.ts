import { createCipheriv } from 'node:crypto'
import { hashFiles, hashGoMod } from '@modstead/gomod/dirhash'
import type { ModuleTree } from './module-tree.ts'
import { rawZip } from './raw-zip.ts'

/** A module version made up by a test, as an origin would serve it. */
export interface TestModule {
  module: string
  version: string
  info: Buffer
  mod: Buffer
  zip: Buffer
  /** What the zip holds: names without the `module@version/` prefix. */
  files: Record<string, Buffer>
  h1: string
  goModH1: string
}

export interface TestModuleOptions {
  module: string
  version: string
  /** Default: `module <module>` and `go 1.21`. */
  goMod?: string
  /** Beside go.mod; default: a small Go package named `lib` with one function. */
  files?: Record<string, string | Buffer>
  /** Adds a file of this many bytes that do not compress. */
  bulk?: number
}

export function makeModule(options: TestModuleOptions): TestModule {
  const { module, version } = options
  const mod = Buffer.from(options.goMod ?? `module ${module}\n\ngo 1.21\n`)
  const lib = `package lib\n\n// Version is this module's.\nconst Version = ${JSON.stringify(version)}\n`
  const files: Record<string, Buffer> = { 'go.mod': mod }
  for (const [name, text] of Object.entries(options.files ?? { 'lib.go': lib }))
    files[name] = Buffer.from(text)
  if (options.bulk !== undefined) files['bulk.bin'] = noise(options.bulk, module + version)
  const named = Object.entries(files).map(([name, bytes]) => ({
    name: `${module}@${version}/${name}`,
    bytes,
  }))
  return {
    module,
    version,
    info: Buffer.from(JSON.stringify({ Version: version, Time: '2024-01-02T03:04:05Z' })),
    mod,
    zip: rawZip(named.map(({ name, bytes }) => ({ name, contents: bytes }))),
    files,
    h1: hashFiles(named),
    goModH1: hashGoMod(mod),
  }
}

/** Serves the module's three files from the tree; `zip` and `mod` replace what is honest. */
export function putModule(
  tree: ModuleTree,
  made: TestModule,
  instead: { zip?: Buffer; mod?: Buffer } = {},
): void {
  const base = modulePath(made)
  tree.put(`${base}.info`, made.info)
  tree.put(`${base}.mod`, instead.mod ?? made.mod)
  tree.put(`${base}.zip`, instead.zip ?? made.zip)
  tree.put(`${base}.ziphash`, made.h1)
}

/** The path of the module's files on the wire, unescaped of percents, without extension. */
export function modulePath({ module, version }: { module: string; version: string }): string {
  const escape = (text: string): string => text.replace(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`)
  return `/${escape(module)}/@v/${escape(version)}`
}

/** The module's zip with one byte of one file changed: a valid zip of the right names, and another h1. */
export function tamperedZip(made: TestModule): Buffer {
  const entries = Object.entries(made.files).map(([name, bytes]) => {
    const contents = Buffer.from(bytes)
    if (name !== 'go.mod') contents[contents.length - 1]! ^= 1
    return { name: `${made.module}@${made.version}/${name}`, contents }
  })
  return rawZip(entries)
}

/** Bytes that look random but are the same for the same seed. */
export function noise(length: number, seed: string): Buffer {
  const key = Buffer.alloc(32, seed || '0')
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length))
}
