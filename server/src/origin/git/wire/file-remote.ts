import { readdir, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ModsteadError } from '../../../errors.ts'
import { quotable } from '../../plain-text.ts'
import { readRefs } from './advertisement-of.ts'
import type { RemoteRefs } from './advertisement.ts'
import type { Remote } from './remote.ts'
import { GIT_SETTINGS, settingsEnvironment } from '../programs/git-environment.ts'
import { converse } from './process-wire.ts'
import type { RunGit } from '../programs/git-helper.ts'

export interface FileRemoteOptions {
  key: string
  /** A `file:` URL that the configuration maps modules to. */
  url: URL
  /** The folder that the configuration names, in which the repository is or which it is itself; default: the one around it. */
  below?: URL
  /** Settings of the git that serves it: `writeServingConfig`. */
  servingConfig: string
  /** Milliseconds that reading its refs may take, and bytes they may have. */
  deadline: number
  limit: number
  run: RunGit
}

/** A repository in a folder of this machine. */
export function createFileRemote(options: FileRemoteOptions): Remote {
  const { key, url, below = new URL('.', url), servingConfig, deadline, limit, run } = options
  const folder = fileURLToPath(url)

  async function refs(signal: AbortSignal): Promise<RemoteRefs> {
    const { status, stdout, said } = await run({
      args: ['upload-pack', '--advertise-refs', '--', folder],
      settings: [['safe.directory', '*']],
      signal,
      deadlines: { total: deadline },
      limit,
    })
    if (status !== 0) throw await failureOf(quotable(said))
    return readRefs(stdout, url.href)
  }

  /** Clients read it: where on this machine it lies is none of their business. */
  const name = basename(folder)
  const within = (said: string): string => said.replaceAll(folder, name)

  /** Why git does not serve it: a disk that is not there, or may not be read, must not look like an absence. */
  async function failureOf(said: string): Promise<ModsteadError> {
    try {
      // Git looks in both.
      const inside = [...(await namesIn(folder)), ...(await namesIn(`${folder.replace(/\/$/, '')}.git`))]
      if (inside.some((name) => name === 'HEAD' || name === '.git'))
        return new ModsteadError('upstream_failed', `git cannot serve ${name}: ${within(said)}`)
      if ((await readdir(below)).length > 0)
        return new ModsteadError('not_found', `${name} is no git repository: ${within(said)}`)
    } catch (cause) {
      return new ModsteadError('upstream_unreachable', `${name} cannot be read: ${codeOf(cause)}`, {
        cause,
        next: NEXT,
      })
    }
    return new ModsteadError(
      'upstream_unreachable',
      `there is nothing at all in the folder of the repository ${name}`,
      {
        next: NEXT,
      },
    )
  }

  return {
    key,
    host: '',
    url: url.href,
    entry: async () => 'none',
    refs,
    upload: async (request, signal) =>
      converse(request, {
        command: 'git',
        args: ['upload-pack', '--', folder],
        env: settingsEnvironment([...GIT_SETTINGS, ['safe.directory', '*']]),
        signal,
      }),
    fetchFrom: async () => ({
      url: url.href,
      settings: [['protocol.file.allow', 'always']],
      environment: { GIT_CONFIG_GLOBAL: servingConfig },
    }),
  }
}

const NEXT = 'who runs this modstead should check that this disk is mounted, and that modstead may read it'

/** What is in a folder; nothing where there is none. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return []
    throw error
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error)
}

/**
 * Writes the settings of the git that serves file remotes: it may serve what belongs to other users, for the
 * configuration names it, and gives parts of a repository, as hosts do.
 */
export async function writeServingConfig(path: string): Promise<void> {
  await writeFile(path, SERVING)
}

// The git that fetches does not hand its own settings down to the one that serves.
const SERVING = `[safe]
directory = *
[uploadpack]
allowFilter = true
allowAnySHA1InWant = true
[protocol]
allow = never
[core]
hooksPath = /dev/null
fsmonitor = false
`
