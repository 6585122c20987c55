import { resolve as resolvePath } from 'node:path'
import type { Config } from '../../config/config.ts'
import type { Flags } from '../../config/settings.ts'
import { ModsteadError } from '../../errors.ts'
import type { CommandContext } from '../context.ts'
import { readConfig } from '../read-config.ts'
import { tenantIn } from '../tenant-flag.ts'

export interface UserFileFlags {
  /** Instead of the file of the configuration. */
  file?: string
  /** The tenant whose file it is; default: the server outside its tenants. */
  tenant?: string
}

/** The htpasswd file that a command is about. */
export interface UserFile {
  config: Config
  /** Absolute. */
  path: string
  /** Names of the tenants that take its users; `''` is the server outside its tenants. */
  scopes: string[]
  /** Names of the groups of each user there, from the configuration. */
  groups: ReadonlyMap<string, readonly string[]>
}

/** Finds it, whether it is there or not. Throws `config_invalid`. */
export async function findUserFile(
  { file, tenant }: UserFileFlags,
  flags: Flags,
  context: CommandContext,
): Promise<UserFile> {
  const mayBeMissing = (path: readonly unknown[]): boolean => path.join('.') === 'access.htpasswd'
  const { config } = await readConfig(context, flags, { mayBeMissing })
  const site = tenant === undefined ? config : tenantIn(config, tenant).site
  const path = file === undefined ? site.access?.htpasswd : resolvePath(context.cwd, file)
  if (path === undefined) {
    const key = tenant === undefined ? 'access.htpasswd' : `tenants.${tenant}.access.htpasswd`
    throw new ModsteadError('config_invalid', `the configuration has no ${key}`, {
      next: `set ${key} to the file that is to hold the users, or name it with --file: docs/access.md`,
    })
  }
  const all = [{ name: '', site: config }, ...config.tenants]
  const scopes = all.filter(({ site }) => site.access?.htpasswd === path).map(({ name }) => name)
  return { config, path, scopes, groups: site.access?.groups ?? new Map() }
}

/** Who an act was about, for the audit log. */
export function subjectOf(user: string, { path, scopes }: UserFile): string {
  const tenants = scopes.filter((name) => name !== '')
  const at = tenants.length === 0 ? '' : ` (tenant ${tenants.join(', ')})`
  return `user:${user}${at} in ${path}`.slice(0, 300)
}
