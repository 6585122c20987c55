/**
 * `npm run test:clients [-- go1.21.13 …]`: the end-to-end suites of test/e2e with other versions of `go` as clients,
 * from the oldest that modstead promises to serve to the newest there is. GOTOOLCHAIN brings each as a module, which
 * downloads some 70 MB a version: that is why `npm test` does not do it.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = dirname(import.meta.dirname)
/** The first line whose releases GOTOOLCHAIN can bring. */
const OLDEST_MINOR = 21
const SUITES = ['project', 'commands', 'checksums', 'tampered', 'private-names', 'listeners']
const FOLDER = fileURLToPath(new URL('../node_modules/.cache/modstead/toolchains/', import.meta.url))

/** The last release of every line of Go since then. */
function lastReleases(): string[] {
  const { stdout, stderr, status } = spawnSync('go', ['list', '-m', '-versions', 'go'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`the releases of go cannot be listed: ${stderr}`)
  const last = new Map<number, number>()
  for (const [, minor, patch] of stdout.matchAll(/\b1\.(\d+)\.(\d+)(?=\s)/g))
    if (Number(minor) >= OLDEST_MINOR)
      last.set(Number(minor), Math.max(Number(patch), last.get(Number(minor)) ?? 0))
  return [...last].toSorted(([a], [b]) => a - b).map(([minor, patch]) => `go1.${minor}.${patch}`)
}

/** Downloads the toolchain where it is missing and gives a folder with its `go` to put in front of PATH. */
function toolchain(version: string): string {
  const env = { ...process.env, GOTOOLCHAIN: version }
  const { stdout, stderr, status } = spawnSync('go', ['env', 'GOROOT'], { env, cwd: ROOT, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${version} cannot be had: ${stderr}`)
  const bin = join(FOLDER, version)
  rmSync(bin, { recursive: true, force: true })
  mkdirSync(bin, { recursive: true })
  symlinkSync(join(stdout.trim(), 'bin', 'go'), join(bin, 'go'))
  return bin
}

const wanted = process.argv.slice(2)
const failed: string[] = []
for (const version of wanted.length > 0 ? wanted : lastReleases()) {
  console.log(`\n${version}`)
  const env = { ...process.env, PATH: `${toolchain(version)}:${process.env.PATH}` }
  const files = SUITES.map((name) => `test/e2e/${name}.test.ts`)
  const args = ['--test', '--test-concurrency=2', '--test-timeout=600000', ...files]
  if (spawnSync(process.execPath, args, { cwd: ROOT, env, stdio: 'inherit' }).status !== 0)
    failed.push(version)
}
console.log(failed.length === 0 ? '\nall clients passed' : `\nFAILED with ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
