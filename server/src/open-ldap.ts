import { keepInSync } from './access/ldap/keep-in-sync.ts'
import { createKnownUsers, type DirectoryRecords } from './access/ldap/known-users.ts'
import type { PasswordDirectory } from './access/passwords/passwords.ts'
import type { People } from './access/people.ts'
import type { LdapConfig } from './config/access/ldap.ts'
import type { Observer } from './observe/observer.ts'
import { openDirectory } from './origin/ldap/directory.ts'

export interface OpenLdapOptions {
  config: LdapConfig
  /** The groups of the configuration. */
  groups: ReadonlyMap<string, readonly string[]>
  records: DirectoryRecords
  observer: Observer
  isLocal: (user: string) => Promise<boolean>
}

export interface OpenedLdap {
  people: People
  passwords: PasswordDirectory
  warnings(): readonly string[]
  close(): Promise<void>
}

/** Joins a directory with what is kept of its users, and begins to keep them in sync. Throws `config_invalid`. */
export async function openLdap(options: OpenLdapOptions): Promise<OpenedLdap> {
  const { config, groups, records, observer, isLocal } = options
  const { keepFor, connections } = config
  const directory = await openDirectory(config, observer.log)
  const users = await createKnownUsers({
    directory,
    records,
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
  const sync = keepInSync({
    users,
    name: config.servers[0]!.host,
    every: config.sync,
    observer,
    now: () => performance.now(),
  })
  const { find, isPassword } = directory
  return {
    people: users,
    passwords: { find, isPassword, signedIn: users.signedIn, keepFor, connections },
    warnings: sync.warnings,
    async close() {
      await sync.stop()
      directory.close()
    },
  }
}
