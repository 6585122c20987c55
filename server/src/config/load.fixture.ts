import { ModsteadError } from '../errors.ts'
import { loadConfig, type LoadedConfig, type LoadOptions } from './load.ts'

export interface Given extends Partial<Pick<LoadOptions, 'flags' | 'env' | 'platform'>> {
  /** Contents of `/site/modstead.yaml`; absent: there is no such file. */
  yaml?: string
  /** Other files by absolute path. */
  files?: Record<string, string>
}

/** Loads a configuration from files in memory, in the folder `/site` with the home `/home/user`. */
export function load({
  yaml,
  files = {},
  flags = {},
  env = {},
  platform = 'linux',
}: Given): Promise<LoadedConfig> {
  const all = new Map(Object.entries(files))
  if (yaml !== undefined) all.set('/site/modstead.yaml', yaml)
  const readFile = (path: string) => {
    const contents = all.get(path)
    if (contents !== undefined) return Promise.resolve(contents)
    return Promise.reject(Object.assign(new Error('no such file'), { code: 'ENOENT' }))
  }
  return loadConfig({ flags, env, cwd: '/site', home: '/home/user', platform, readFile })
}

/** The lines of the error that loading gives; fails when it gives none. */
export async function problemsOf(given: Given): Promise<string[]> {
  try {
    await load(given)
  } catch (error) {
    if (error instanceof ModsteadError && error.code === 'config_invalid') return error.message.split('\n')
    throw error
  }
  throw new Error('expected config_invalid, but the configuration was accepted')
}
