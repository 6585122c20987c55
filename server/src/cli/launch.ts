import { homedir, userInfo } from 'node:os'
import manifest from '../../package.json' with { type: 'json' }
import type { CommandContext, StartServer } from './context.ts'
import { run } from './main.ts'

/**
 * Runs the command line of this process, and ends it with the exit code. `loadServer` imports the server's wiring,
 * which stands above this room, `loadOrigins` that of the origins alone, and `loadUpstream` that of checksum databases; each is called when a command needs the server, since nothing else is as slow to load.
 */
export async function launch(
  loadServer: () => Promise<{ start: StartServer }>,
  loadOrigins: CommandContext['load'],
  loadUpstream: CommandContext['loadUpstream'],
): Promise<void> {
  // Whoever read our output is gone: that ends no server, and has nobody to be told.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  const code = await run(process.argv.slice(2), {
    env: process.env,
    cwd: process.cwd(),
    home: homedir(),
    user: userName(),
    stdin: () => process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    events: process,
    version: manifest.version,
    start: async (options) => (await loadServer()).start(options),
    load: loadOrigins,
    loadUpstream,
  })
  process.exit(code)
}

function userName(): string {
  const { SUDO_USER, USER, LOGNAME } = process.env
  const named = SUDO_USER || USER || LOGNAME
  if (named) return named
  try {
    return userInfo().username
  } catch {
    // A container may run as a number that no user has.
    return String(process.getuid?.() ?? 'unknown')
  }
}
