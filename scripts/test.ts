/**
 * `npm test [-- FILE|FOLDER|GLOB … --node-flag …]`: all tests, or those of some files.
 *
 * Unit tests stand beside the code and share two processes, which is ten times faster than one each; what is in `test/`
 * starts servers and `go`, and runs after them, a process a file. Both get an environment in which nothing of this
 * machine's settings changes what is tested. With CI set, a test that is skipped fails the run.
 */
import { spawn } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, matchesGlob, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Outcome } from './outcome-reporter.ts'

const ROOT = dirname(import.meta.dirname)

interface Suite {
  name: string
  files: readonly string[]
  flags: readonly string[]
  env: NodeJS.ProcessEnv
}

const UNIT = ['gomod/src/**/*.test.ts', 'server/src/**/*.test.ts', 'scripts/**/*.test.ts']
const CROSSING = ['test/**/*.test.ts']

/** A suite that has not ended by then hangs. Milliseconds. */
const LIMIT = 12 * 60_000

/** Settings of this machine that change what `go` and modstead do. */
const SETTINGS = /^(GO[A-Z0-9_]*|MODSTEAD_.*|NODE_OPTIONS|FORCE_COLOR|(HTTP|HTTPS|ALL|NO)_PROXY)$/i

function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !SETTINGS.test(name))
  // `go env -w` has written a file that no variable names.
  return { ...Object.fromEntries(kept), GOENV: 'off' }
}

/** The test files that `filters` name; all of them without filters. Throws where a filter names none. */
export function selectFiles(files: readonly string[], filters: readonly string[]): string[] {
  const picked = new Set<string>()
  for (const filter of filters) {
    const path = relative(ROOT, resolve(filter)).split(sep).join('/')
    const matches = files.filter(
      (file) => file === path || file.startsWith(`${path}/`) || matchesGlob(file, path),
    )
    if (matches.length === 0) throw new Error(`no test file is named ${filter}`)
    for (const file of matches) picked.add(file)
  }
  return filters.length === 0 ? [...files] : files.filter((file) => picked.has(file))
}

/** The lines that end a run, in the words of node's own reporter. */
export function summaryLines(counts: Record<string, number>, milliseconds: number): string[] {
  const shown = {
    tests: 'tests',
    suites: 'suites',
    pass: 'passed',
    fail: 'failed',
    cancelled: 'cancelled',
    skipped: 'skipped',
    todo: 'todo',
  }
  const lines = Object.entries(shown).map(([word, key]) => `ℹ ${word} ${counts[key] ?? 0}`)
  return [...lines, `ℹ duration_ms ${Math.round(milliseconds)}`]
}

async function runSuite(suite: Suite, folder: string): Promise<{ failed: boolean; outcome: Outcome }> {
  const destination = join(folder, `${suite.name}.json`)
  const reporter = fileURLToPath(new URL('./outcome-reporter.ts', import.meta.url))
  const child = spawn(
    process.execPath,
    [
      '--test',
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      `--test-reporter=${reporter}`,
      `--test-reporter-destination=${destination}`,
      ...suite.flags,
      ...suite.files,
    ],
    { cwd: ROOT, env: suite.env, stdio: 'inherit' },
  )
  const limit = setTimeout(() => {
    console.error(`\nthe ${suite.name} tests did not end within ${LIMIT / 60_000} minutes`)
    child.kill('SIGKILL')
  }, LIMIT)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', resolve)
  })
  clearTimeout(limit)
  return { failed: code !== 0, outcome: readOutcome(destination) }
}

/** A run that broke off has written nothing, or half of it. */
function readOutcome(file: string): Outcome {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Outcome
  } catch {
    return { counts: {}, skipped: [] }
  }
}

async function main(args: readonly string[]): Promise<number> {
  const flags = args.filter((arg) => arg.startsWith('-'))
  const filters = args.filter((arg) => !arg.startsWith('-'))
  const find = (globs: readonly string[]) => globs.flatMap((glob) => globSync(glob, { cwd: ROOT })).sort()
  const [unit, crossing] = [find(UNIT), find(CROSSING)]
  const chosen = new Set(selectFiles([...unit, ...crossing], filters))
  const units = halves(unit.filter((file) => chosen.has(file))).map((files, i, all): Suite => ({
    name: all.length === 1 ? 'unit' : `unit (${i + 1} of ${all.length})`,
    files,
    flags: ['--test-isolation=none', '--test-timeout=60000', ...flags],
    env: environment(),
  }))
  const last: Suite[] = [
    {
      name: 'crossing',
      files: crossing.filter((file) => chosen.has(file)),
      // These build the environments of their children themselves, and fill the module cache that they serve through
      // whatever this machine uses.
      flags: ['--test-concurrency=2', '--test-timeout=300000', ...flags],
      env: process.env,
    },
  ]
  const started = performance.now()
  const folder = mkdtempSync(join(tmpdir(), 'modstead-test-'))
  try {
    const steps = [units, last].map((suites) => suites.filter((suite) => suite.files.length > 0))
    return await runAll(steps, folder, started)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Files whose neighbours are in the other half: one folder is as slow as another then. Few are not worth two processes. */
export function halves(files: readonly string[]): string[][] {
  if (files.length < 40) return [[...files]]
  return [0, 1].map((half) => files.filter((_, i) => i % 2 === half))
}

/** The suites of a step run at the same time. */
async function runAll(
  steps: readonly (readonly Suite[])[],
  folder: string,
  started: number,
): Promise<number> {
  const results: { suite: Suite; failed: boolean; outcome: Outcome }[] = []
  for (const suites of steps)
    results.push(
      ...(await Promise.all(suites.map(async (suite) => ({ suite, ...(await runSuite(suite, folder)) })))),
    )
  const counts: Record<string, number> = {}
  for (const { outcome } of results)
    for (const [name, count] of Object.entries(outcome.counts)) counts[name] = (counts[name] ?? 0) + count
  if (results.length > 1)
    console.log(['\nall suites', ...summaryLines(counts, performance.now() - started)].join('\n'))
  const skipped = results.flatMap(({ outcome }) => outcome.skipped)
  for (const { suite, failed } of results) if (failed) console.error(`\nFAILED: the ${suite.name} tests`)
  if (skipped.length > 0)
    console.error(`\nnot run:\n${skipped.map((line) => `  ${relative(ROOT, line)}`).join('\n')}`)
  const refused = skipped.length > 0 && /^(1|true)$/.test(process.env.CI ?? '')
  if (refused) console.error('\nFAILED: CI runs every test')
  return refused || results.some(({ failed }) => failed) ? 1 : 0
}

if (import.meta.main) {
  try {
    process.exitCode = await main(process.argv.slice(2))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
