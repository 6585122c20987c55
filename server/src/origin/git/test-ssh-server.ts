/** A real sshd on loopback that serves git repositories to one key, and nothing else. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'

export interface TestSshServer {
  readonly port: number
  /** `ssh://user@127.0.0.1:port`: repositories are below it as they are below `root`. */
  readonly url: string
  /** A private key that may read, and one that may not: paths. */
  readonly key: string
  readonly strangersKey: string
  /** Files with the server's host key, and with another: paths. */
  readonly knownHosts: string
  readonly otherHosts: string
  /** A file with what it says of a repository that is not there. */
  readonly refusal: string
  /** Everything that sshd said. */
  log(): string
  close(): Promise<void>
}

const SSHD = '/usr/sbin/sshd'

/** Why there can be no such server here; `false` where there can. */
export function noSshServer(): string | false {
  if (existsSync(SSHD)) return false
  return 'sshd is not installed: node scripts/tools.ts'
}

/** Starts it with keys made in `folder`, for the repositories in `root`. */
export async function startTestSshServer(options: { folder: string; root: string }): Promise<TestSshServer> {
  const { folder, root } = options
  const at = (name: string): string => join(folder, name)
  mkdirSync(folder, { recursive: true })
  for (const name of ['host', 'other-host', 'key', 'strangers-key'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', at(name)])
  const publicOf = (name: string): string => readFileSync(at(`${name}.pub`), 'utf8').trim()
  const port = await freePort()
  const pin = (name: string): string => `[127.0.0.1]:${port} ${publicOf(name)}\n`
  writeFileSync(at('known_hosts'), pin('host'))
  writeFileSync(at('other_hosts'), pin('other-host'))
  writeFileSync(at('serve.sh'), servingScript(root, at('refusal')))
  writeFileSync(at('refusal'), 'ERROR: Repository not found.')
  chmodSync(at('serve.sh'), 0o755)
  writeFileSync(at('authorized_keys'), `restrict,command="${at('serve.sh')}" ${publicOf('key')}\n`)
  const settings = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${at('host')}`,
    `AuthorizedKeysFile ${at('authorized_keys')}`,
    `PidFile ${at('sshd.pid')}`,
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'StrictModes no',
    'UsePAM no',
    'AcceptEnv GIT_PROTOCOL',
    'MaxStartups 100',
  ]
  writeFileSync(at('sshd_config'), `${settings.join('\n')}\n`)
  // Where it runs as root it wants a folder of the system's, which its service would make.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true })
  const child = spawn(SSHD, ['-D', '-e', '-f', at('sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const ended = new Promise((resolve) => child.on('close', resolve))
  const close = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  await waitFor(port, () => child.exitCode === null).catch(async (error: Error) => {
    await close()
    throw new Error(`${error.message}; it said:\n${said}`)
  })
  return {
    port,
    url: `ssh://${userInfo().username}@127.0.0.1:${port}`,
    key: at('key'),
    strangersKey: at('strangers-key'),
    knownHosts: at('known_hosts'),
    otherHosts: at('other_hosts'),
    refusal: at('refusal'),
    log: () => said,
    close,
  }
}

/** What every connection runs, whatever it asks for: as at most hosts, a shell reads the command. */
function servingScript(root: string, refusal: string): string {
  const git = spawnSync('sh', ['-c', 'command -v git']).stdout.toString().trim()
  return `#!/bin/sh
case "$SSH_ORIGINAL_COMMAND" in
"git-upload-pack '/"*"'") ;;
*) echo "only git is served here" >&2; exit 128 ;;
esac
eval "set -- \${SSH_ORIGINAL_COMMAND#git-upload-pack }"
path=$1
[ -d "${root}$path" ] || { cat "${refusal}" >&2; exit 1; }
exec ${git} -c safe.directory='*' upload-pack "${root}$path"
`
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function waitFor(port: number, running: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 10_000; ;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy()
        resolve(true)
      })
      socket.on('error', () => resolve(false))
    })
    if (open) return
    if (!running()) throw new Error('sshd ended before it listened')
    if (Date.now() > deadline) throw new Error('sshd does not listen')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
