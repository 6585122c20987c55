/**
 * `node scripts/tools.ts`: installs what the bench and some tests need beside Node.js and Go from Debian's packages,
 * where it is missing: wrk (load), nginx (a yardstick), sshd (a git host), strace (calls that fail), slapd with its
 * clients (a directory of users), chromium (the pages of the sign-in). Without root it says what to install.
 */
import { spawnSync } from 'node:child_process'

const TOOLS = [
  { program: 'wrk', version: '-v', debian: 'wrk' },
  { program: 'nginx', version: '-v', debian: 'nginx-light' },
  { program: 'sshd', version: '-V', debian: 'openssh-server' },
  { program: 'strace', version: '-V', debian: 'strace' },
  { program: 'chromium', version: '--version', debian: 'chromium' },
  { program: 'taskset', version: '-V', debian: 'util-linux' },
  { program: 'slapd', version: '-VV', debian: 'slapd' },
  { program: 'ldapsearch', version: '-VV', debian: 'ldap-utils' },
]

const missing = TOOLS.filter(({ program, version }) => spawnSync(program, [version]).error !== undefined)
const packages = missing.map(({ debian }) => debian)
if (missing.length === 0) console.log(`${TOOLS.map(({ program }) => program).join(', ')}: all there`)
else if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).error !== undefined) {
  console.error(
    `missing: ${packages.join(', ')}. As root: apt-get install --no-install-recommends ${packages.join(' ')}`,
  )
  process.exitCode = 1
} else {
  // Nothing must start as a service on a machine that only measures and tests.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', ...packages],
  ]) {
    const { status } = spawnSync('apt-get', args, { stdio: 'inherit', env })
    if (status !== 0) process.exit(1)
  }
}
