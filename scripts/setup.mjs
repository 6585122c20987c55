// Installs the locked packages when they are not there yet, or when the lock file changed since.
// Runs before `npm start`, `npm test` and `npm run check` on whatever Node the machine has, so it stays
// plain JavaScript that Node 18 understands; the runtime itself (Node 24) is one of the packages.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stamp = join(root, 'node_modules', '.modstead-installed')
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  console.error('modstead: installing the locked packages (once)')
  const npm = process.env.npm_execpath
  // Not `npm ci`: it refuses a lock file that lacks the optional packages of platforms a registry does not carry.
  const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const done = npm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  if (done.status !== 0) {
    console.error(
      'modstead: `npm install` failed; see its words above. The npm registry must be reachable once.',
    )
    process.exit(1)
  }
  writeFileSync(stamp, wanted)
}

const local = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')
const version =
  spawnSync(existsSync(local) ? local : 'node', ['--version'], { encoding: 'utf8' }).stdout ?? ''
if (Number(/^v(\d+)/.exec(version)?.[1] ?? 0) < 24) {
  console.error(
    `modstead needs Node.js 24 or newer; npm has no packaged one for ${process.platform}/${process.arch} and ` +
      `this machine's is ${version.trim() || 'missing'}. Install Node.js 24 (nodejs.org) and run this again.`,
  )
  process.exit(1)
}
