import type { DatabaseSync } from 'node:sqlite'
import type { KnownUser } from '../access/ldap/known-users.ts'
import type { TokenRecord } from '../access/tokens/access-tokens.ts'
import { ModsteadError } from '../errors.ts'
import type { Act, ActRow, Incident, IncidentRow, Remark, Snapshot, VersionFacts } from '../proxy/catalog.ts'
import type { Promotion, PromotionRow } from '../proxy/promotions.ts'
import type { Realm } from '../proxy/store.ts'
import { encodeDirectoryUser } from './directory-rows.ts'
import { addFacts } from './facts.ts'
import { type AuthChange, type AuthWrite, encodeAuthRecord } from './auth-records.ts'
import { nextActId, nextIncidentId, nextPromotionId } from './record-ids.ts'
import type { Reads } from './reads.ts'
import type { Writes } from './writes.ts'
import { decodeAct, decodeIncident, decodeVersion, encodeCommit, encodeH1, encodeSha256 } from './rows.ts'
import { prepareAll } from './statement.ts'
import { decodeToken, encodeToken } from './token-rows.ts'

/** One change of the catalog: plain data, for it travels to the writer's thread. */
export type Write =
  | { kind: 'learn'; realm: Realm; module: string; version: string; facts: VersionFacts }
  | { kind: 'touch'; uses: readonly { realm: Realm; module: string; version: string; at: number }[] }
  | { kind: 'markGone'; realm: Realm; module: string; gone: readonly string[]; back: readonly string[] }
  | { kind: 'saveSnapshot'; realm: Realm; module: string; query: string; snapshot: Snapshot }
  | { kind: 'report'; incident: Incident }
  | { kind: 'acknowledge'; id: string; remark: Remark }
  | { kind: 'addToken'; token: TokenRecord }
  | { kind: 'revokeToken'; id: string; by: string }
  | { kind: 'touchTokens'; uses: readonly { id: string; at: number }[] }
  | { kind: 'promote'; promotion: Promotion }
  | AuthWrite
  | { kind: 'saveDirectoryUsers'; tenant: string; users: readonly KnownUser[]; forgotten: readonly string[] }
  | { kind: 'begin'; act: Act }
  | { kind: 'end'; id: string; outcome: 'done' | 'undone'; facts: VersionFacts | undefined }

/**
 * What a write gives: the row of an incident that was reported or acknowledged, of an act that was begun, of a promotion,
 * or of a token;
 * whether an auth record was changed.
 */
export type WriteResult = IncidentRow | ActRow | TokenRecord | PromotionRow | AuthChange | undefined

/** The counts that a group of writes may change. */
const NOTHING = { modules: 0, versions: 0, zip_bytes: 0, incidents: 0, open_incidents: 0 }

type Learnt = Omit<Write & { kind: 'learn' }, 'kind'>

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
  const added = { ...NOTHING }

  function moduleId(realm: Realm, path: string): number {
    const row = writes.module.get({ realm, path }) ?? writes.addModule.get({ realm, path })
    return row!.id
  }

  function nameId(name: string): number {
    const row = writes.name.get({ name }) ?? writes.addName.get({ name })
    return row!.id
  }

  function learn({ realm, module: path, version, facts }: Learnt, now: number): void {
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
    if (same !== undefined) {
      const last_at = Math.max(now, same.last_at)
      writes.seenAgain.run({ id: same.id, last_at })
      return decodeIncident({ ...same, count: same.count + 1, last_at })
    }
    const row = { ...incident, id: nextIncidentId(now, writes.lastIncident.get({})?.id), at: now, count: 1 }
    writes.addIncident.run({ ...row, last_at: now })
    added.incidents++
    added.open_incidents++
    return { ...row, lastAt: now }
  }

  /** The first one holds: what was acknowledged stays as it is. */
  function acknowledge(
    { id, remark }: Write & { kind: 'acknowledge' },
    now: number,
  ): IncidentRow | undefined {
    const row = reads.incident.get({ id })
    if (row === undefined || row.acknowledged_at !== null) return row && decodeIncident(row)
    const acknowledgement = { acknowledged_at: now, acknowledged_by: remark.who, note: remark.note }
    writes.acknowledge.run({ id, ...acknowledgement })
    added.open_incidents--
    return decodeIncident({ ...row, ...acknowledgement })
  }

  /** The first one holds. */
  function revokeToken({ id, by }: Write & { kind: 'revokeToken' }, now: number): TokenRecord | undefined {
    const row = reads.token.get({ id })
    if (row === undefined || row.revoked_at !== null) return row && decodeToken(row)
    const revoked = { revoked_at: now, revoked_by: by }
    writes.revokeToken.run({ id, ...revoked })
    return decodeToken({ ...row, ...revoked })
  }

  function promote({ promotion }: Write & { kind: 'promote' }, now: number): PromotionRow {
    const row = { ...promotion, id: nextPromotionId(now, writes.lastPromotion.get({})?.id), at: now }
    writes.addPromotion.run(row)
    return row
  }

  function begin({ act }: Write & { kind: 'begin' }, now: number): ActRow {
    const { realm, module: path, version } = act
    if (act.act === 'delete' && reads.version.get({ realm, path, version }) === undefined)
      throw new ModsteadError('internal', `nothing is known of ${path}@${version}, which was to be deleted`)
    const id = nextActId(now, writes.lastAct.get({})?.id)
    const row = { h1: null, reason: null, ...act, id, at: now, outcome: 'begun' as const }
    writes.addAct.run(row)
    if (act.act === 'delete')
      writes.putMark.run({ module: moduleId(realm, path), version, published: 0, deletion: row.id })
    return decodeAct(row)
  }

  function end({ id, outcome, facts }: Write & { kind: 'end' }, now: number): void {
    const row = reads.act.get({ id })
    if (row === undefined || row.outcome !== 'begun')
      throw new ModsteadError('internal', `there is no act ${id} to be ended`)
    if (outcome === 'done' && row.act === 'publish') {
      const { realm, module, version } = row
      learn({ realm, module, version, facts: facts ?? {} }, now)
      writes.putMark.run({ module: moduleId(realm, module), version, published: 1, deletion: null })
    }
    writes.endAct.run({ id, outcome })
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
      case 'acknowledge':
        return acknowledge(write, now)
      case 'addToken':
        writes.addToken.run(encodeToken(write.token))
        return write.token
      case 'revokeToken':
        return revokeToken(write, now)
      case 'touchTokens':
        for (const { id, at } of write.uses) writes.touchToken.run({ id, last_used: at })
        return undefined
      case 'promote':
        return promote(write, now)
      case 'putAuthRecord': {
        const { revision } = write.record
        const row = encodeAuthRecord(write.record)
        const changed =
          revision === 0
            ? writes.addAuthRecord.get(row)
            : writes.changeAuthRecord.get({ ...row, read: revision })
        return { changed: changed !== undefined }
      }
      case 'removeAuthRecord': {
        const { scope, record: kind, id } = write
        return { changed: writes.removeAuthRecord.get({ scope, kind, id }) !== undefined }
      }
      case 'sweepAuthRecords':
        writes.sweepAuthRecords.run({ until: write.until })
        return undefined
      case 'saveDirectoryUsers':
        for (const user of write.users) writes.putDirectoryUser.run(encodeDirectoryUser(write.tenant, user))
        for (const id of write.forgotten) writes.dropDirectoryUser.run({ tenant: write.tenant, id })
        return undefined
      case 'begin':
        return begin(write, now)
      case 'end':
        end(write, now)
        return undefined
    }
  }

  return (group, now) => {
    Object.assign(added, NOTHING)
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
