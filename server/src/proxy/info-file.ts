import type { ModulePath } from '@modstead/gomod/path'
import { isCanonicalFor, type Version } from '@modstead/gomod/version'
import { ModsteadError } from '../errors.ts'
import type { InfoFile } from './origin.ts'

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/**
 * Parses an `.info` file as `go` does: JSON with a canonical `Version`, valid for the module, and a `Time`.
 * `expected` is the version that was asked for where it was canonical; `go` refuses any other then.
 * `source` names who gave it. Throws `upstream_invalid`.
 */
export function parseInfoFile(
  bytes: Buffer,
  module: ModulePath,
  expected: Version | undefined,
  source: string,
): InfoFile {
  const refuse = (reason: string, cause?: unknown): ModsteadError =>
    new ModsteadError('upstream_invalid', `${source} gave an .info of ${module} that ${reason}`, {
      origin: source,
      cause,
    })
  let parsed: unknown
  try {
    parsed = JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw refuse('is not JSON', cause)
  }
  if (typeof parsed !== 'object' || parsed === null) throw refuse('is not a JSON object')
  const { Version: version, Time: time } = parsed as { Version?: unknown; Time?: unknown }
  if (typeof version !== 'string' || !isCanonicalFor(module, version)) throw refuse('has no valid Version')
  if (expected !== undefined && version !== expected)
    throw refuse(`says ${version} where ${expected} was asked for`)
  if (time !== undefined && (typeof time !== 'string' || !RFC3339.test(time)))
    throw refuse('has no valid Time')
  return { bytes, version, ...(time === undefined ? {} : { time }) }
}
