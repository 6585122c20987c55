import { ModsteadError } from '../errors.ts'
import type { FileFacts } from './signer-key.ts'
import { loadConfig, type LoadedConfig, type LoadOptions } from './load.ts'

export interface Given extends Partial<Pick<LoadOptions, 'flags' | 'env' | 'platform'>> {
  /** Contents of `/site/modstead.yaml`; absent: there is no such file. */
  yaml?: string
  /** Other files by absolute path. */
  files?: Record<string, string>
  /** What else there is, and how files are protected: 0600 on device 1 unless given. */
  facts?: Record<string, Partial<FileFacts>>
}

/** Loads a configuration from files in memory, in the folder `/site` with the home `/home/user`. */
export function load({
  yaml,
  files = {},
  facts = {},
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
  const stat = async (path: string): Promise<FileFacts> => {
    const [parent] = [...all.keys()].filter((file) => file.startsWith(path.replace(/\/?$/, '/')))
    if (!Object.hasOwn(facts, path) && parent === undefined) await readFile(path)
    return { mode: 0o100600, dev: 1, ...facts[path] }
  }
  return loadConfig({ flags, env, cwd: '/site', home: '/home/user', platform, readFile, stat })
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
