import { keepInSync } from './access/ldap/keep-in-sync.ts'
import { createKnownUsers, type DirectoryRecords } from './access/ldap/known-users.ts'
import type { PasswordDirectory } from './access/passwords/passwords.ts'
import type { People } from './access/people.ts'
import type { LdapConfig } from './config/access/ldap.ts'
import { ModsteadError } from './errors.ts'
import type { Observer } from './observe/observer.ts'
import { openDirectory } from './origin/ldap/directory.ts'

export interface OpenLdapOptions {
  config: LdapConfig
  /** The groups of the configuration. */
  groups: ReadonlyMap<string, readonly string[]>
  records: DirectoryRecords
  /** Whose directory it is; absent for no tenant's. */
  tenant?: string | undefined
  observer: Observer
  isLocal: (user: string) => Promise<boolean>
}

export interface OpenedLdap {
  people: People
  /** Whether the file or the directory has this user now. Rejects with `directory_unavailable`. */
  has(user: string): Promise<boolean>
  passwords: PasswordDirectory
  warnings(): readonly string[]
  close(): Promise<void>
}

/** Joins a directory with what is kept of its users, and begins to keep them in sync. Throws `config_invalid`. */
export async function openLdap(options: OpenLdapOptions): Promise<OpenedLdap> {
  const { config, groups, records, tenant = '', observer, isLocal } = options
  const { keepFor, connections } = config
  const directory = await openDirectory(config, observer.log)
  const users = await createKnownUsers({
    directory,
    records,
    tenant,
    isLocal,
    groups,
    keepFor,
    onSaveFailed: (error) =>
      observer.log.warn(
        { err: error },
        'what the directory says of users could not be kept: a restart will not know it',
      ),
    now: () => Date.now(),
  })
  const name = config.servers.map(({ host }) => host).join(', ')
  const sync = keepInSync({
    users,
    name,
    every: config.sync,
    // The figures are read by everybody who runs the server: of tenants there are only lines in the log.
    measured: tenant === '',
    observer,
    now: () => performance.now(),
  })
  /** Whoever asks is told which directory it is, and nothing of how it is asked: the reason is in the log. */
  async function told<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (cause) {
      if (!(cause instanceof ModsteadError) || cause.code !== 'directory_unavailable') throw cause
      const sentence = `the directory of users (${name}) cannot be asked who this is`
      throw new ModsteadError('directory_unavailable', sentence, { cause })
    }
  }

  return {
    people: { find: (user) => told(users.find(user)) },
    has: (user) => told(users.has(user)),
    passwords: {
      find: (typed) => told(directory.find(typed)),
      isPassword: (dn, password) => told(directory.isPassword(dn, password)),
      signedIn: (user) => told(users.signedIn(user)),
      keepFor,
      connections,
    },
    warnings: sync.warnings,
    async close() {
      await sync.stop()
      directory.close()
    },
  }
}
