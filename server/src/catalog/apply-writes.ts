import type { DatabaseSync } from 'node:sqlite'
import { ModsteadError } from '../errors.ts'
import type { Incident, IncidentRow, Snapshot, VersionFacts } from '../proxy/catalog.ts'
import type { Realm } from '../proxy/store.ts'
import { addFacts } from './facts.ts'
import { nextIncidentId } from './incident-id.ts'
import type { Reads, Writes } from './queries.ts'
import { decodeIncident, decodeVersion, encodeCommit, encodeH1, encodeSha256 } from './rows.ts'
import { prepareAll } from './statement.ts'

/** One change of the catalog: plain data, for it travels to the writer's thread. */
export type Write =
  | { kind: 'learn'; realm: Realm; module: string; version: string; facts: VersionFacts }
  | { kind: 'touch'; uses: readonly { realm: Realm; module: string; version: string; at: number }[] }
  | { kind: 'markGone'; realm: Realm; module: string; gone: readonly string[]; back: readonly string[] }
  | { kind: 'saveSnapshot'; realm: Realm; module: string; query: string; snapshot: Snapshot }
  | { kind: 'report'; incident: Incident }

/** What a write gives: the row of a reported incident. */
export type WriteResult = IncidentRow | undefined

/** The outcome of each write of a group, in their order. A write that failed changed nothing. */
export type Outcome = { result: WriteResult } | { error: ModsteadError }

/**
 * Applies groups of writes, each group in one transaction: when it throws, none of the group was applied.
 * `now` is milliseconds since the epoch.
 */
export function createWriteApplier(
  database: DatabaseSync,
  statements: { reads: Reads; writes: Writes },
): (group: readonly Write[], now: number) => Outcome[] {
  const reads = prepareAll(database, statements.reads)
  const writes = prepareAll(database, statements.writes)
  const added = { modules: 0, versions: 0, zip_bytes: 0, incidents: 0 }

  function moduleId(realm: Realm, path: string): number {
    const row = writes.module.get({ realm, path }) ?? writes.addModule.get({ realm, path })
    return row!.id
  }

  function nameId(name: string): number {
    const row = writes.name.get({ name }) ?? writes.addName.get({ name })
    return row!.id
  }

  function learn({ realm, module: path, version, facts }: Write & { kind: 'learn' }, now: number): void {
    const row = reads.version.get({ realm, path, version })
    const known = row === undefined ? { firstSeen: now, lastUsed: now } : decodeVersion(row)
    const sum = addFacts(known, facts, `${path}@${version}`) ?? (row === undefined ? known : undefined)
    if (sum === undefined) return
    // Encoded before anything is written, for it throws on what is no hash.
    const columns = {
      h1: sum.h1 === undefined ? null : encodeH1(sum.h1),
      go_mod_h1: sum.goModH1 === undefined ? null : encodeH1(sum.goModH1),
      zip_sha256: sum.zipSha256 === undefined ? null : encodeSha256(sum.zipSha256),
      zip_size: sum.zipSize ?? null,
      info: sum.info === true ? 1 : 0,
      time: sum.time ?? null,
      git_commit: sum.commit === undefined ? null : encodeCommit(sum.commit),
    }
    const module = moduleId(realm, path)
    if (row === undefined) {
      added.versions++
      if (writes.anyVersion.get({ module }) === undefined) added.modules++
    }
    added.zip_bytes += (sum.zipSize ?? 0) - (known.zipSize ?? 0)
    writes.putVersion.run({
      ...columns,
      module,
      version,
      origin: sum.origin === undefined ? null : nameId(sum.origin),
      proven_by: sum.provenBy === undefined ? null : nameId(sum.provenBy),
      first_seen: known.firstSeen,
      last_used: known.lastUsed,
    })
  }

  function touch({ uses }: Write & { kind: 'touch' }): void {
    for (const { realm, module: path, version, at } of uses) {
      const id = writes.module.get({ realm, path })?.id
      if (id !== undefined) writes.touch.run({ module: id, version, last_used: at })
    }
  }

  function markGone({ realm, module: path, gone, back }: Write & { kind: 'markGone' }, now: number): void {
    const module = writes.module.get({ realm, path })?.id
    if (module === undefined) return
    for (const version of gone) writes.markGone.run({ module, version, gone: now })
    for (const version of back) writes.markGone.run({ module, version, gone: null })
  }

  function saveSnapshot({ realm, module: path, query, snapshot }: Write & { kind: 'saveSnapshot' }): void {
    const { body, fetched, changed, origin, validators } = snapshot
    writes.putSnapshot.run({
      module: moduleId(realm, path),
      query,
      body,
      fetched,
      changed,
      origin: nameId(origin),
      etag: validators?.etag ?? null,
      last_modified: validators?.lastModified ?? null,
    })
  }

  function report({ incident }: Write & { kind: 'report' }, now: number): IncidentRow {
    const same = writes.sameIncident.get({ ...incident })
    if (same !== undefined) return decodeIncident(same)
    const row = { ...incident, id: nextIncidentId(now, writes.lastIncident.get({})?.id), at: now }
    writes.addIncident.run({ ...row })
    added.incidents++
    return row
  }

  function apply(write: Write, now: number): WriteResult {
    switch (write.kind) {
      case 'learn':
        learn(write, now)
        return undefined
      case 'touch':
        touch(write)
        return undefined
      case 'markGone':
        markGone(write, now)
        return undefined
      case 'saveSnapshot':
        saveSnapshot(write)
        return undefined
      case 'report':
        return report(write, now)
    }
  }

  return (group, now) => {
    Object.assign(added, { modules: 0, versions: 0, zip_bytes: 0, incidents: 0 })
    database.exec('BEGIN IMMEDIATE')
    try {
      const outcomes = group.map((write): Outcome => {
        try {
          return { result: apply(write, now) }
        } catch (error) {
          // What is refused by our own checks was not begun. Anything else may be half done: the group goes back.
          if (!(error instanceof ModsteadError)) throw error
          return { error }
        }
      })
      if (Object.values(added).some((count) => count !== 0)) writes.addTotals.run(added)
      database.exec('COMMIT')
      return outcomes
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
}
