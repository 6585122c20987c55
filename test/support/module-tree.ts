import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compare } from '@modstead/gomod/semver'

/** What a tree answers to one path. */
export interface TreeFile {
  bytes: Buffer
  type: string
}

/**
 * A GOPROXY tree that a loopback upstream serves: the files of a folder in the layout of `cache/download`, files put
 * beside them by tests, and what a real proxy adds: lists, `@latest`, `.info` of versions and of named queries.
 */
export interface ModuleTree {
  /** Adds or replaces a file: `/example.com/a/@v/v1.0.0.mod`, escaped as on the wire (`!a` for `A`). */
  put(path: string, bytes: Buffer | string): void
  /** A branch, tag or commit of a module that resolves to a version: what `@v/<query>.info` answers. */
  alias(module: string, query: string, version: string): void
  /** Undefined is absence. */
  get(path: string): TreeFile | undefined
  /** The h1 of a version's honest zip, from the `.ziphash` beside it; names escaped. */
  zipHash(module: string, version: string): string | undefined
  /** Paths of every zip, from the folder and of those put. */
  zips(): string[]
}

const PSEUDO =
  /-(0\.|[0-9A-Za-z.-]+\.0\.)?\d{14}-[0-9a-f]{12}(\+incompatible)?$|^v\d+\.0\.0-\d{14}-[0-9a-f]{12}/

/** Time of every `.info` the tree makes up: an upstream must give one, and no check depends on it. */
const MADE_UP_TIME = '2024-01-02T03:04:05Z'

/** `folder` is a `cache/download`; without one the tree has only what is put. Files are read once and kept. */
export function createModuleTree(folder?: string): ModuleTree {
  const files = new Map<string, Buffer>()
  const aliases = new Map<string, string>()
  const versions = new Map<string, Set<string>>()

  for (const path of folder === undefined ? [] : walk(folder, '')) note(path)

  function note(path: string): void {
    const found = /^\/(.+)\/@v\/(v[^/]+)\.mod$/.exec(path)
    if (found === null) return
    const known = versions.get(found[1]!) ?? new Set()
    versions.set(found[1]!, known.add(unescape(found[2]!)))
  }

  function read(path: string): Buffer | undefined {
    const kept = files.get(path)
    if (kept !== undefined || folder === undefined) return kept
    try {
      const bytes = readFileSync(join(folder, path))
      files.set(path, bytes)
      return bytes
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      throw error
    }
  }

  function info(module: string, query: string): TreeFile | undefined {
    const alias = aliases.get(`${module}@${query}`)
    const version = alias ?? query
    const stored = read(`/${module}/@v/${version}.info`)
    if (stored !== undefined) return { bytes: stored, type: 'application/json' }
    if (versions.get(module)?.has(unescape(version)) !== true) return undefined
    const bytes = Buffer.from(JSON.stringify({ Version: unescape(version), Time: MADE_UP_TIME }))
    return { bytes, type: 'application/json' }
  }

  function highest(module: string): string | undefined {
    const all = [...(versions.get(module) ?? [])].sort(compare)
    return all.findLast((version) => !PSEUDO.test(version)) ?? all.at(-1)
  }

  return {
    put(path, bytes) {
      files.set(path, Buffer.from(bytes))
      note(path)
    },
    alias(module, query, version) {
      aliases.set(`${module}@${query}`, version)
    },
    get(path) {
      const found = /^\/(.+)\/(@latest|@v\/list|@v\/([^/]+)\.(info|mod|zip))$/.exec(path)
      if (found === null) return undefined
      const [, module, what, name, kind] = found as unknown as [string, string, string, string, string]
      const put = files.get(path)
      if (what === '@v/list') {
        const known = versions.get(module)
        if (known === undefined) return undefined
        const lines = [...known].filter((version) => !PSEUDO.test(version)).sort(compare)
        return { bytes: put ?? Buffer.from(lines.map((line) => `${line}\n`).join('')), type: 'text/plain' }
      }
      if (what === '@latest') return info(module, escape(highest(module) ?? 'none'))
      if (kind === 'info') return put ? { bytes: put, type: 'application/json' } : info(module, name)
      const bytes = read(path)
      if (bytes === undefined) return undefined
      return { bytes, type: kind === 'mod' ? 'text/plain' : 'application/zip' }
    },
    zipHash(module, version) {
      return read(`/${module}/@v/${version}.ziphash`)?.toString().trim()
    },
    zips() {
      const put = [...files.keys()].filter((path) => path.endsWith('.zip'))
      const stored = folder === undefined ? [] : walk(folder, '').filter((path) => path.endsWith('.zip'))
      return [...new Set([...stored, ...put])].sort()
    },
  }
}

function escape(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`)
}

function unescape(escaped: string): string {
  return escaped.replace(/!(.)/g, (_, letter: string) => letter.toUpperCase())
}

/** Paths of the module files below a folder, each beginning with `/`. */
function walk(folder: string, below: string): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const path = `${below}/${entry.name}`
    if (entry.isDirectory()) return path === '/sumdb' ? [] : walk(folder, path)
    return /\.(info|mod|zip)$/.test(entry.name) ? [path] : []
  })
}
