import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { findViolations, parseSource, readSources } from './imports.ts'

const ROOT = dirname(import.meta.dirname)

function dependenciesOf(folder: string): string[] {
  const text = readFileSync(join(ROOT, folder, 'package.json'), 'utf8')
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(text) as Record<
    string,
    Record<string, string>
  >
  return Object.keys({ ...dependencies, ...optionalDependencies })
}

test('imports go only downwards, and only where they may', () => {
  const sources = readSources(ROOT)
  assert.ok(sources.length > 50, 'the sources are found')
  assert.ok(sources.some((file) => file.path === 'server/src/proxy/serve.ts' && file.imports.length > 3))
  const dependencies = { gomod: dependenciesOf('gomod'), server: dependenciesOf('server') }
  assert.deepEqual(findViolations(sources, dependencies), [])
})

/** A made-up file, and what the checker says of it. */
const cases: [path: string, text: string, expected: string | undefined][] = [
  ['server/src/cli/a.ts', "import { x } from '../config/x.ts'", undefined],
  ['server/src/main.ts', "import { x } from './http/x.ts'", undefined],
  ['server/src/http/a.ts', "import { x } from '../sumdb/x.ts'", undefined],
  ['server/src/http/a.ts', "import { x } from './x.ts'", undefined],
  ['server/src/observe/a.ts', "import { x } from '../errors.ts'", undefined],
  ['server/src/cli/a.ts', "import x from '../../package.json' with { type: 'json' }", undefined],
  ['server/bin/a.mjs', "import('../src/cli/main.ts')", undefined],
  ['server/src/config/a.ts', "import { x } from '../cli/x.ts'", 'config stands below cli'],
  ['server/src/proxy/a.ts', "import type { X } from '../http/x.ts'", 'proxy stands below http'],
  ['server/src/proxy/a.ts', "import {\n  x,\n  y,\n} from '../store/x.ts'", 'proxy stands below store'],
  ['server/src/proxy/a.ts', "export * from '../store/x.ts'", 'proxy stands below store'],
  ['server/src/proxy/a.ts', "const x = await import('../store/x.ts')", 'proxy stands below store'],
  [
    'server/src/proxy/a.ts',
    "new Worker(new URL('../store/x.ts', import.meta.url))",
    'proxy stands below store',
  ],
  ['server/src/proxy/a.ts', "workerUrl(import.meta.url, '../store/x.ts')", 'proxy stands below store'],
  ['server/src/proxy/a.ts', "import '../store/x.ts'", 'proxy stands below store'],
  ['server/src/cli/a.ts', "import { start } from '../main.ts'", 'cli stands below main.ts'],
  ['server/src/errors.ts', "import { x } from './observe/x.ts'", 'errors.ts stands below observe'],
  [
    'server/src/http/a.ts',
    "import { x } from '../store/x.ts'",
    'http and store must know nothing of each other',
  ],
  ['server/src/origin/a.ts', "import { x } from '../catalog/x.ts'", 'origin and catalog must know nothing'],
  ['server/src/origin/git/a.ts', "import { x } from './wire/x.ts'", undefined],
  ['server/src/origin/git/clones/a.ts', "import { x } from '../wire/x.ts'", undefined],
  ['server/src/origin/git/clones/a.ts', "import { x } from '../../dial.ts'", undefined],
  ['server/src/origin/git/wire/a.ts', "import type { X } from '../clones/x.ts'", 'wire stands below clones'],
  ['server/src/origin/git/wire/a.ts', "import { x } from '../x.ts'", 'wire stands below x.ts'],
  ['server/src/origin/git/new/a.ts', "import { x } from '../wire/x.ts'", 'is in no folder'],
  ['server/src/new/a.ts', "import { x } from '../proxy/x.ts'", 'is in no room'],
  ['server/src/http/a.ts', "import { x } from '../new/x.ts'", 'which is in no room'],
  ['server/src/http/a.ts', "import { x } from '../../../gomod/src/x.ts'", 'packages are imported by name'],
  ['server/src/http/a.ts', "import { x } from '@modstead/gomod/x'", undefined],
  [
    'server/src/http/a.ts',
    "import { x } from 'left-pad/y'",
    'imports left-pad, which is not a dependency of server/',
  ],
  ['gomod/src/a.ts', "import { x } from './zip/x.ts'", undefined],
  ['gomod/src/a.ts', "import { createHash } from 'node:crypto'", undefined],
  ['gomod/src/a.ts', "import { readFile } from 'node:fs/promises'", 'gomod/ does no I/O'],
  ['gomod/src/a.ts', "import { x } from 'zod'", 'imports zod, which is not a dependency of gomod/'],
  ['gomod/src/a.ts', "import { x } from '../../server/src/x.ts'", 'packages are imported by name'],
  ['server/src/http/a.ts', 'const port = process.env.PORT', 'reads process.env'],
  ['server/src/config/a.ts', 'const port = process.env.PORT', undefined],
  [
    'server/src/http/a.ts',
    "// import { x } from '../store/x.ts'\n/** process.env */\nexport const x = 1",
    undefined,
  ],
  ['server/src/http/a.ts', "/**\n * import('../store/x.ts')\n */\nexport const x = 1", undefined],
]

test('the checker finds each kind of violation', () => {
  const dependencies = { gomod: [], server: ['@modstead/gomod', 'zod'] }
  for (const [path, text, expected] of cases) {
    const violations = findViolations([parseSource(path, text)], dependencies).join('\n')
    if (expected === undefined) assert.equal(violations, '', text)
    else assert.ok(violations.includes(expected), `${path}: ${text}\n${violations}`)
  }
})

test('the checker finds circles, each once', () => {
  const files = [
    parseSource('gomod/src/a.ts', "import './b.ts'"),
    parseSource('gomod/src/b.ts', "import './c.ts'\nimport './d.ts'"),
    parseSource('gomod/src/c.ts', "import './a.ts'"),
    parseSource('gomod/src/d.ts', "import type { A } from './a.ts'"),
  ]
  assert.deepEqual(findViolations(files, {}), [
    'imports in a circle: gomod/src/a.ts -> gomod/src/b.ts -> gomod/src/c.ts -> gomod/src/a.ts',
  ])
})
