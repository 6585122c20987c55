/** Reads the imports of source files and checks them against the architecture: see design and CONTRIBUTING.md. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'

export interface SourceFile {
  /** From the root of the tree, with `/`. */
  path: string
  /** The texts of its imports as they are written: types and the files of workers too. */
  imports: string[]
  /** Those of them that are there at run time, in the same module graph. */
  loads: string[]
  /** It reads the environment of the process. */
  readsEnvironment: boolean
}

/** The rooms of the server from the top down: imports go only from a room to one below it. */
const ROOMS = [
  'main.ts',
  'rooms.ts',
  'join-tenants.ts',
  'join-site.ts',
  'records-of-site.ts',
  'ask-module.ts',
  'ask-upstream.ts',
  'open-limits.ts',
  'open-origins.ts',
  'open-databases.ts',
  'open-log.ts',
  'open-sign-in.ts',
  'open-access.ts',
  'open-audit.ts',
  'open-issued.ts',
  'open-keys.ts',
  'open-git-hosts.ts',
  'open-ldap.ts',
  'cli',
  'verify',
  'http',
  'origin',
  'store',
  'catalog',
  'events',
  'sinks',
  'sumdb',
  'proxy',
  'policy',
  'limits',
  'access',
  'audit',
  'config',
  'observe',
  'disk-errors.ts',
  'errors.ts',
]

/**
 * The same within a room that has grown: its folders from the top down. The files beside them join them, and no folder
 * imports those.
 */
const FOLDERS: readonly (readonly [path: string, folders: readonly string[]])[] = [
  ['server/src/origin/git/', ['zips', 'clones', 'versions', 'wire', 'where', 'programs']],
]

/** The rooms that touch the outside know nothing of each other: what stands below declares what they share. */
const OUTWARD = ['http', 'origin', 'store', 'catalog', 'events', 'sinks']

/** What the library may use of Node.js: no I/O and no clock. */
const PURE = ['node:crypto', 'node:zlib', 'node:buffer']

const ENVIRONMENT_READERS = /^(server\/(src\/(config|cli)|bin)|scripts|test|bench)\//

/** All source files below `root` but tests, and what only tests use. */
export function readSources(root: string): SourceFile[] {
  const files = globSync('{gomod,server,web}/{src,bin}/**/*.{ts,tsx,mjs}', { cwd: root })
  return files
    .map((file) => file.split('\\').join('/'))
    .filter((path) => !/\.(test|fixture|d)\.tsx?$|\/(testing|testdata)\/|(^|\/)test-[^/]*$/.test(path))
    .sort()
    .map((path) => parseSource(path, readFileSync(join(root, path), 'utf8')))
}

/** Finds imports by how they are written; a parser is not worth its weight here. */
export function parseSource(path: string, text: string): SourceFile {
  const code = text.replaceAll(/^\s*(\/\/.*|\/\*[^]*?\*\/)/gm, '')
  const statements = [...code.matchAll(/^\s*(?:import|export)\b(?:[^'"`;=]*?\bfrom)?\s*['"]([^'"]+)['"]/gm)]
  const calls = code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)
  const workers = code.matchAll(
    /\b(?:new URL|workerUrl)\(\s*(?:import\.meta\.url,\s*)?['"](\.[^'"]+\.ts)['"]/g,
  )
  const atRunTime = statements.filter(([statement]) => !/^\s*(?:import|export)\s+type\b/.test(statement))
  const texts = (matches: Iterable<RegExpExecArray>) => [
    ...new Set(Array.from(matches, (match) => match[1]!)),
  ]
  return {
    path,
    imports: texts([...statements, ...calls, ...workers]),
    loads: texts(atRunTime),
    readsEnvironment: /\bprocess\.env\b|\benv\b[^'"\n]*from 'node:process'/.test(code),
  }
}

/** A line for each thing that breaks the architecture. `dependencies` gives what a package may import by its folder. */
export function findViolations(
  files: readonly SourceFile[],
  dependencies: Readonly<Record<string, readonly string[]>>,
): string[] {
  const found = files.flatMap((file) => [
    ...file.imports.flatMap((text) => violationOf(file.path, text, dependencies) ?? []),
    ...(file.readsEnvironment && !ENVIRONMENT_READERS.test(file.path)
      ? [`${file.path} reads process.env: only config/ and cli/ do`]
      : []),
  ])
  return [...found, ...findCycles(files)]
}

/** The file that a relative import leads to; undefined for packages. */
function resolveImport(from: string, text: string): string | undefined {
  return text.startsWith('.') ? posix.join(dirname(from), text) : undefined
}

function violationOf(
  from: string,
  text: string,
  dependencies: Readonly<Record<string, readonly string[]>>,
): string | undefined {
  const house = from.split('/')[0]!
  const target = resolveImport(from, text)
  if (target === undefined) {
    if (text.startsWith('node:'))
      return house !== 'gomod' || PURE.includes(text)
        ? undefined
        : `${from} imports ${text}: gomod/ does no I/O`
    const name = text.split('/', text.startsWith('@') ? 2 : 1).join('/')
    const known = dependencies[house]?.includes(name) ?? false
    return known ? undefined : `${from} imports ${name}, which is not a dependency of ${house}/`
  }
  if (target === `${house}/package.json`) return undefined
  if (!target.startsWith(`${house}/src/`))
    return `${from} imports ${target}: packages are imported by name, not by path`
  if (house !== 'server' || !from.startsWith('server/src/')) return undefined
  const [above, below] = [roomOf(from), roomOf(target)]
  if (above === below) return violationWithin(from, target)
  if (!ROOMS.includes(above)) return `${from} is in no room: its place in the order is missing`
  if (!ROOMS.includes(below)) return `${from} imports ${target}, which is in no room`
  if (ROOMS.indexOf(above) > ROOMS.indexOf(below))
    return `${from} imports ${target}: ${above} stands below ${below}`
  if (OUTWARD.includes(above) && OUTWARD.includes(below))
    return `${from} imports ${target}: ${above} and ${below} must know nothing of each other`
  return undefined
}

function violationWithin(from: string, target: string): string | undefined {
  for (const [path, folders] of FOLDERS) {
    const [above = '', below = ''] = [from, target].map((file) =>
      file.startsWith(path) ? file.slice(path.length).split('/', 1)[0] : undefined,
    )
    const joins = above === '' || above.endsWith('.ts')
    if (joins || below === '' || above === below) continue
    if (!folders.includes(above)) return `${from} is in no folder whose place in the order is known`
    if (folders.indexOf(below) < folders.indexOf(above))
      return `${from} imports ${target}: ${above} stands below ${below}`
  }
  return undefined
}

/** `cli` of `server/src/cli/main.ts`, `main.ts` of `server/src/main.ts`. */
function roomOf(path: string): string {
  return path.split('/')[2]!
}

/** A line for each circle of files that load each other, named by its members in order. */
function findCycles(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start >= 0) cycles.push(`imports in a circle: ${[...trail.slice(start), path].join(' -> ')}`)
    if (start >= 0 || done.has(path)) return
    for (const text of byPath.get(path)?.loads ?? []) {
      const target = resolveImport(path, text)
      if (target !== undefined) visit(target, [...trail, path])
    }
    done.add(path)
  }
  for (const { path } of files) visit(path, [])
  return cycles
}
