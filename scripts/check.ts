/** `npm run check`: everything but the tests. Runs all checks, so that one run names all that is wrong. */
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'

const ROOT = dirname(import.meta.dirname)
const tool = (name: string) => join(ROOT, 'node_modules', '.bin', name)

interface Check {
  name: string
  /** What to do about a failure. */
  next: string
  command: readonly string[]
}

const CHECKS: readonly Check[] = [
  { name: 'format', next: 'npm run format', command: [tool('oxfmt'), '--check'] },
  { name: 'lint', next: 'see above', command: [tool('oxlint'), '--type-aware', '--deny-warnings'] },
  { name: 'types', next: 'see above', command: [tool('tsc'), '-p', 'tsconfig.json'] },
  {
    name: 'architecture',
    next: 'CONTRIBUTING.md has the order of the rooms',
    command: [process.execPath, '--test', '--test-reporter=spec', 'scripts/architecture.test.ts'],
  },
  { name: 'docs', next: 'npm run docs', command: [process.execPath, 'scripts/docs.ts', '--check'] },
]

function run({ name, command: [program, ...args] }: Check): boolean {
  console.log(`\n── ${name}`)
  const started = performance.now()
  // On Windows npm's programs are scripts for the shell.
  const { status, error } = spawnSync(program!, args, {
    cwd: ROOT,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (error) console.error(error.message)
  console.log(
    `── ${name} ${status === 0 ? 'ok' : 'FAILED'} (${((performance.now() - started) / 1000).toFixed(1)} s)`,
  )
  return status === 0
}

const failed = CHECKS.filter((check) => !run(check))
console.log(failed.length === 0 ? '\nall checks passed' : '\nFAILED:')
for (const { name, next } of failed) console.log(`  ${name}: ${next}`)
process.exitCode = failed.length === 0 ? 0 : 1
