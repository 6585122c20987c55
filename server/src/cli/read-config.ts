import { readFile, stat } from 'node:fs/promises'
import { loadConfig, type LoadedConfig, type LoadOptions } from '../config/load.ts'
import type { Flags } from '../config/settings.ts'
import type { CommandContext } from './context.ts'

/** The configuration as this process would use it. Throws `config_invalid`. */
export function readConfig(
  { env, cwd, home }: CommandContext,
  flags: Flags,
  more: Pick<LoadOptions, 'mayBeMissing'> = {},
): Promise<LoadedConfig> {
  return loadConfig({ flags, env, cwd, home, readFile: (path) => readFile(path, 'utf8'), stat, ...more })
}
