import { isH1 } from '@modstead/gomod/dirhash'
import { GomodError } from '@modstead/gomod/error'
import { checkPath, type ModulePath } from '@modstead/gomod/path'
import { lookupPath, sumLines } from '@modstead/gomod/sumdb/lookup'
import { checkVersion, type Version } from '@modstead/gomod/version'

/** What a record of a checksum database says, read from its text alone. */
export interface LoggedVersion {
  module: ModulePath
  version: Version
  /** Dirhash of the zip, `h1:…`. */
  h1: string
  /** Dirhash of the go.mod, `h1:…`. */
  goModH1: string
}

/**
 * Which version a record is about. Throws GomodError `invalid_record` for a text that is not the lines of one version,
 * as `go` could look it up, with a hash of its zip and one of its go.mod.
 */
export function readLoggedVersion(record: Uint8Array): LoggedVersion {
  const [, module, name] = FIRST_LINE.exec(Buffer.from(record).toString()) ?? []
  if (module === undefined || name === undefined) throw notLines()
  try {
    const [path, version] = [checkPath(module), checkVersion(module, name)]
    lookupPath(path, version)
    const { lines, h1 = '', goModH1 = '' } = sumLines(record, path, version)
    const isWhole = Buffer.from(record).equals(Buffer.from(lines.map((line) => `${line}\n`).join('')))
    if (isWhole && isH1(h1) && isH1(goModH1)) return { module: path, version, h1, goModH1 }
  } catch (cause) {
    if (!(cause instanceof GomodError)) throw cause
    throw new GomodError('invalid_record', cause.message, { cause })
  }
  throw notLines()
}

function notLines(): GomodError {
  return new GomodError('invalid_record', 'it is not the two lines for go.sum of one version')
}

const FIRST_LINE = /^([^\s]+) ([^\s]+) h1:/
