/** Between the rows of the tables and the words of the proxy room. */
import { isH1 } from '@modstead/gomod/dirhash'
import { ModsteadError } from '../errors.ts'
import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import type { ActRow, IncidentRow, Mark, Snapshot, VersionRow, VersionTrace } from '../proxy/catalog.ts'
import type { CompiledStatement } from './placeholder.ts'
import type { Reads } from './reads.ts'

type RowOf<Compiled> = Compiled extends CompiledStatement<infer Row> ? Row : never

/** Throws `internal` for what is not an h1. */
export function encodeH1(h1: string): Uint8Array {
  if (!isH1(h1)) throw new ModsteadError('internal', `"${h1}" is not an h1`)
  return Buffer.from(h1.slice(3), 'base64')
}

/** Throws `internal` for what is not the hex form of 32 bytes. */
export function encodeSha256(hex: string): Uint8Array {
  if (!/^[0-9a-f]{64}$/.test(hex)) throw new ModsteadError('internal', `"${hex}" is not a SHA-256 in hex`)
  return Buffer.from(hex, 'hex')
}

/** Throws `internal` for what is not the hex form of 20 or 32 bytes. */
export function encodeCommit(hex: string): Uint8Array {
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hex))
    throw new ModsteadError('internal', `"${hex}" is not the hash of a commit`)
  return Buffer.from(hex, 'hex')
}

export function decodeTrace(row: Pick<RowOf<Reads['traces']>, 'git_commit' | 'gone'>): VersionTrace {
  return {
    ...(row.git_commit !== null && { commit: asBuffer(row.git_commit).toString('hex') }),
    ...(row.gone !== null && { gone: row.gone }),
  }
}

export function decodeVersion(row: RowOf<Reads['version']>): VersionRow {
  const decoded: VersionRow = { firstSeen: row.first_seen, lastUsed: row.last_used }
  if (row.h1 !== null) decoded.h1 = `h1:${asBuffer(row.h1).toString('base64')}`
  if (row.go_mod_h1 !== null) decoded.goModH1 = `h1:${asBuffer(row.go_mod_h1).toString('base64')}`
  if (row.zip_size !== null) decoded.zipSize = row.zip_size
  if (row.zip_sha256 !== null) decoded.zipSha256 = asBuffer(row.zip_sha256).toString('hex')
  if (row.info === 1) decoded.info = true
  if (row.time !== null) decoded.time = row.time
  if (row.origin !== null) decoded.origin = row.origin
  if (row.proven_by !== null) decoded.provenBy = row.proven_by
  if (row.published === 1) decoded.published = true
  const { deleted_at: at, deleted_by: who, reason } = row
  if (at !== null && who !== null) decoded.deleted = { at, who, reason: reason ?? '' }
  return { ...decoded, ...decodeTrace(row) }
}

export function decodeSnapshot(row: RowOf<Reads['snapshot']>): Snapshot {
  const { body, fetched, changed, origin, etag, last_modified: lastModified } = row
  const snapshot: Snapshot = { body: asBuffer(body), fetched, changed, origin }
  if (etag !== null || lastModified !== null) {
    snapshot.validators = { ...(etag !== null && { etag }), ...(lastModified !== null && { lastModified }) }
  }
  return snapshot
}

export function decodeIncident(row: RowOf<Reads['incident']>): IncidentRow {
  const { last_at: lastAt, acknowledged_at: at, acknowledged_by: who, note, ...rest } = row
  return {
    ...rest,
    kind: row.kind as IncidentRow['kind'],
    lastAt,
    ...(at !== null && who !== null && { acknowledged: { at, who, note: note ?? '' } }),
  }
}

/** Names of modules and versions were checked before they were written. */
export function decodeAct({ h1, reason, ...row }: RowOf<Reads['act']>): ActRow {
  return {
    ...row,
    act: row.act as ActRow['act'],
    outcome: row.outcome as ActRow['outcome'],
    module: row.module as ModulePath,
    version: row.version as Version,
    ...(h1 !== null && { h1 }),
    ...(reason !== null && { reason }),
  }
}

export function decodeMark({ version, published, deletion }: RowOf<Reads['marks']>): Mark {
  return { version, published: published === 1, deleted: deletion !== null }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
