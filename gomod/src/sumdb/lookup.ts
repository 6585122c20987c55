/**
 * Lookups as they stand on the wire: `/lookup/<module>@<version>` is answered with the record of that version (its id
 * in the log, the lines for go.sum, a blank line) and a signed tree head of the log that has it.
 *
 *     6
 *     rsc.io/sampler v1.3.0 h1:7uVkIFmeBqHfdjD+gZwtXXI+RODJ2Wc4O7MPEh/QiW4=
 *     rsc.io/sampler v1.3.0/go.mod h1:T1hPZKmBbMNahiBKFy5HrXp6adAjACjK9JXDnKaTXpA=
 *
 *     go.sum database tree
 *     …
 */
import { GomodError } from '../error.ts'
import { escapePath, unescapePath, type ModulePath } from '../path.ts'
import { decodePlainText } from '../plain-text.ts'
import { shown } from '../quote.ts'
import { formatRecord, parseRecord } from '../tlog/record.ts'
import { escapeVersion, unescapeVersion } from '../version.ts'

/** Longer answers to lookups are refused. Real ones have some hundred bytes. */
export const MAX_LOOKUP_BYTES = 1_000_000

/**
 * The path of the lookup of a module version, from the root of the database. Throws GomodError `invalid_path`,
 * `invalid_version`, or `invalid_lookup` for what databases refuse to look up: anything but `vN.N.N…`.
 */
export function lookupPath(path: string, version: string): string {
  return `${PREFIX}${checkTarget(`${escapePath(path)}@${escapeVersion(version)}`)}`
}

/**
 * What a path starting with `/lookup/`, percent-decoded, asks for. Throws GomodError `invalid_lookup`, `invalid_path`,
 * `invalid_version` or `invalid_escape`; databases answer all of them with status 400.
 */
export function parseLookupPath(path: string): { path: ModulePath; version: string } {
  if (!path.startsWith(PREFIX)) throw new GomodError('invalid_lookup', `${shown(path)} is not a lookup`)
  const target = checkTarget(path.slice(PREFIX.length))
  const at = target.indexOf('@')
  return { path: unescapePath(target.slice(0, at)), version: unescapeVersion(target.slice(at + 1)) }
}

/** The answer to a lookup. */
export interface LookupAnswer {
  /** The record's number in the log, from 0. */
  readonly id: number
  /** The record's text: lines as in go.sum. */
  readonly record: Uint8Array
  /** A signed tree head, of a tree larger than `id`. */
  readonly note: Uint8Array
}

/** The body of a lookup's answer. Throws GomodError `invalid_record`. */
export function formatLookup({ id, record, note }: LookupAnswer): Uint8Array {
  return Buffer.concat([formatRecord(id, record), note])
}

/** Reads the body of a lookup's answer. Nothing is verified yet. Throws GomodError `invalid_record`. */
export function parseLookup(body: Uint8Array): LookupAnswer {
  if (body.length > MAX_LOOKUP_BYTES)
    throw new GomodError(
      'invalid_record',
      `an answer of more than ${MAX_LOOKUP_BYTES} bytes is not a lookup's`,
    )
  const { id, record, rest } = parseRecord(body)
  return { id, record, note: rest }
}

/** What a record says about one module version. */
export interface SumLines {
  /** Its lines for the version and its go.mod, with all hashes, as they stand in go.sum. */
  readonly lines: string[]
  /** Dirhash of the zip, `h1:…`. */
  readonly h1?: string
  /** Dirhash of the go.mod, `h1:…`. */
  readonly goModH1?: string
}

/**
 * The lines of `record` about `path` at `version`. Only give it records that were authenticated: this is all that
 * decides which hashes hold. Throws GomodError `unverified_record` where the record has no line about that version,
 * and `invalid_record` where it contradicts itself.
 */
export function sumLines(record: Uint8Array, path: string, version: string): SumLines {
  const zip = `${path} ${version} `
  const goMod = `${path} ${version}/go.mod `
  const all = decodePlainText(record)?.split('\n') ?? []
  const lines = all.filter((line) => line.startsWith(zip) || line.startsWith(goMod))
  if (lines.length === 0)
    throw new GomodError('unverified_record', `the record has no line about ${path}@${version}`)
  const h1 = onlyHash(lines, zip)
  const goModH1 = onlyHash(lines, goMod)
  return { lines, ...(h1 !== undefined && { h1 }), ...(goModH1 !== undefined && { goModH1 }) }
}

/** The record of a module version, as checksum databases log it. `h1` and `goModH1` are `h1:…`. */
export function formatSumRecord(path: string, version: string, h1: string, goModH1: string): Uint8Array {
  return Buffer.from(`${path} ${version} ${h1}\n${path} ${version}/go.mod ${goModH1}\n`)
}

const PREFIX = '/lookup/'

/** The rule of golang.org/x/mod/sumdb's server for what may be looked up. */
const TARGET = /^[^@]+@v[0-9]+\.[0-9]+\.[0-9]+(?:-[^@]*)?(?:\+incompatible)?$/

function checkTarget(target: string): string {
  if (TARGET.test(target)) return target
  throw new GomodError('invalid_lookup', `${shown(target)} cannot be looked up: it is not module@vN.N.N`)
}

function onlyHash(lines: readonly string[], prefix: string): string | undefined {
  const hashes = new Set(lines.filter((line) => line.startsWith(`${prefix}h1:`)))
  if (hashes.size > 1)
    throw new GomodError('invalid_record', `the record has more than one h1 hash of ${prefix.trimEnd()}`)
  return Array.from(hashes)[0]?.slice(prefix.length)
}
