import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { ModsteadError } from '../../errors.ts'
import { quotable } from '../plain-text.ts'
import { readRefs } from './advertisement-of.ts'
import type { RemoteRefs } from './advertisement.ts'
import type { Remote } from './remote.ts'
import { GIT_SETTINGS, settingsEnvironment } from './git-environment.ts'
import { converse } from './process-wire.ts'
import { runGit } from './run-git.ts'

export interface FileRemoteOptions {
  key: string
  /** A `file:` URL that the configuration maps modules to. */
  url: URL
  /** Settings of the git that serves it: `writeServingConfig`. */
  servingConfig: string
  /** Milliseconds that reading its refs may take, and bytes they may have. */
  deadline: number
  limit: number
}

/** A repository in a folder of this machine. */
export function createFileRemote(options: FileRemoteOptions): Remote {
  const { key, url, servingConfig, deadline, limit } = options
  const folder = fileURLToPath(url)

  async function refs(signal: AbortSignal): Promise<RemoteRefs> {
    const { status, stdout, said } = await runGit({
      args: ['upload-pack', '--advertise-refs', '--', folder],
      settings: [['safe.directory', '*']],
      signal,
      deadlines: { total: deadline },
      limit,
    })
    if (status !== 0)
      throw new ModsteadError('not_found', `${url.href} is no git repository: ${quotable(said)}`)
    return readRefs(stdout, url.href)
  }

  return {
    key,
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
