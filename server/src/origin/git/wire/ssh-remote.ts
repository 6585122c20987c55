import { PROGRAM_ENVIRONMENT } from '../../../config/programs.ts'
import { ModsteadError } from '../../../errors.ts'
import { within } from '../../deadline.ts'
import { quotable } from '../../plain-text.ts'
import { readRefs } from './advertisement-of.ts'
import type { RemoteRefs } from './advertisement.ts'
import { converse } from './process-wire.ts'
import { startProgram } from '../programs/program.ts'
import type { FetchFrom, Remote } from './remote.ts'

/** What ssh needs to reach a host. */
export interface SshAccess {
  /** Files: our private key, and the host keys that are accepted, which are the only ones. */
  key: string
  knownHosts: string
  /** The entry of the configuration, for messages. */
  entry: string
}

export interface SshRemoteOptions {
  key: string
  /** An `ssh:` URL, without a password. */
  url: URL
  /** As `.info` files show it. */
  shown: string
  access(signal: AbortSignal): Promise<SshAccess>
  /** Milliseconds: connecting, and the whole of reading the refs. */
  deadlines: { connect: number; refs: number }
  /** Bytes that the refs may have. */
  limit: number
}

/** A repository behind ssh: with one key, pinned host keys, and nothing of anybody's ssh configuration. */
export function createSshRemote(options: SshRemoteOptions): Remote {
  const { key, url, shown, access, deadlines, limit } = options
  const path = decodeURIComponent(url.pathname)

  async function refs(signal: AbortSignal): Promise<RemoteRefs> {
    const used = await access(signal)
    const args = [...sshArguments(used, deadlines.connect), ...destination(url), '--', hostOf(url)]
    const { status, stdout, said } = await runSsh([...args, `git-upload-pack ${quoted(path)}`], {
      signal,
      limit,
      deadline: deadlines.refs,
      late: () => new ModsteadError('upstream_timeout', `${url.host} did not give its refs in time (ssh)`),
    })
    if (status === 0) return readRefs(stdout, shown)
    throw refused(status, said, used.entry)
  }

  function refused(status: number, said: string, entry: string): ModsteadError {
    const words = quotable(said.split('\n').findLast((line) => line.trim() !== '') ?? '')
    // ssh itself ends with 255; any other status is that of the host's own program.
    if (status === 255 && OPEN_KEY.test(said))
      return new ModsteadError(
        'upstream_unreachable',
        `${url.host} cannot be used over ssh with ${entry}: ssh does not use a key that others can read`,
        {
          next: 'who runs this modstead should run `chmod 600 FILE` with the file of its sshKey, as the user of modstead',
        },
      )
    if (status === 255)
      return new ModsteadError(
        'upstream_unreachable',
        `${url.host} cannot be used over ssh with ${entry}: ${words}`,
        { next: 'who runs this modstead should check the key, the pinned host keys and the network' },
      )
    const reason = `${entry} (${path}): ${words}`
    if (ABSENT.test(said))
      return new ModsteadError(
        'not_found',
        `${url.host} has no such repository, or does not show it to ${reason}`,
      )
    if (REFUSED.test(said))
      return new ModsteadError('upstream_refused', `${url.host} refused ${reason}`, {
        next: 'who runs this modstead should check what the host allows that key',
      })
    return new ModsteadError('upstream_failed', `${url.host} failed for ${reason}`)
  }

  async function fetchFrom(signal: AbortSignal): Promise<FetchFrom> {
    const used = await access(signal)
    const command = ['ssh', ...sshArguments(used, deadlines.connect)].map(quoted).join(' ')
    return {
      url: url.href,
      settings: [['protocol.ssh.allow', 'always']],
      environment: { GIT_SSH_COMMAND: command, GIT_SSH_VARIANT: 'ssh' },
    }
  }

  async function upload(request: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const used = await access(signal)
    const args = [...sshArguments(used, deadlines.connect), '-o', 'SendEnv=GIT_PROTOCOL', ...destination(url)]
    return converse(request, {
      command: 'ssh',
      args: [...args, '--', hostOf(url), `git-upload-pack ${quoted(path)}`],
      env: SSH_ENVIRONMENT,
      signal,
    })
  }

  const entry = async (signal: AbortSignal) => (await access(signal)).entry
  return { key, host: url.host, url: shown, entry, refs, upload, fetchFrom }
}

/**
 * How git hosts say that there is no such repository, or not for us. It decides whether `go` looks elsewhere, so that
 * what is not among these words is a failure of the host.
 */
const ABSENT =
  /\b(?:repository|project)\b.*(?:not found|not be found|does ?n[o']t exist)|cannot find repository|not appear to be a git repository/i

/** How ssh says that the file of our key is open to others. */
const OPEN_KEY = /UNPROTECTED PRIVATE KEY FILE|bad permissions/i

/** How they say that we may read nothing at all, or not in this way: that key was taken back, or ssh is not allowed. */
const REFUSED = /denied|not allowed|forbidden|not permitted|unauthori[sz]ed|suspended|blocked|expired/i

function sshArguments({ key, knownHosts }: SshAccess, connect: number): string[] {
  const settings = {
    BatchMode: 'yes',
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: settingOf(knownHosts),
    GlobalKnownHostsFile: '/dev/null',
    IdentityFile: settingOf(key),
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    PreferredAuthentications: 'publickey',
    ClearAllForwardings: 'yes',
    PermitLocalCommand: 'no',
    ControlPath: 'none',
    UpdateHostKeys: 'no',
    ConnectTimeout: String(Math.max(1, Math.round(connect / 1000))),
    ServerAliveInterval: '15',
    ServerAliveCountMax: '4',
    LogLevel: 'ERROR',
  }
  return [
    '-F',
    '/dev/null',
    ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
  ]
}

/** A path as ssh_config(5) reads it: it may be quoted, and % stands for something else. */
function settingOf(path: string): string {
  return `"${path.replaceAll(/["\\]/g, '\\$&').replaceAll('%', '%%')}"`
}

function destination(url: URL): string[] {
  const user = decodeURIComponent(url.username)
  return [...(url.port === '' ? [] : ['-p', url.port]), ...(user === '' ? [] : ['-l', user])]
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1')
}

const SSH_ENVIRONMENT = { ...PROGRAM_ENVIRONMENT, HOME: '/nonexistent', LC_ALL: 'C' }

/** For a shell, here or at the host. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

async function runSsh(
  args: readonly string[],
  options: { signal: AbortSignal; limit: number; deadline: number; late: () => ModsteadError },
): Promise<{ status: number; stdout: Buffer; said: string }> {
  const { signal, limit, deadline, late } = options
  const ssh = startProgram({ command: 'ssh', args, env: SSH_ENVIRONMENT })
  const chunks: Buffer[] = []
  let size = 0
  const tooMuch = Promise.withResolvers<never>()
  ssh.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > limit)
      tooMuch.reject(new ModsteadError('upstream_invalid', 'a repository has more refs than are read'))
    else chunks.push(chunk)
  })
  ssh.stdin.end('0000')
  try {
    const ended = Promise.race([ssh.ended, tooMuch.promise])
    const status = await within(ended, { ms: deadline, signal, late })
    // One that was ended by somebody says as little of the repository as one that did not come through.
    return { status: status < 0 ? 255 : status, stdout: Buffer.concat(chunks, size), said: ssh.said() }
  } finally {
    ssh.end()
  }
}
