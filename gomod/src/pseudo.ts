/**
 * Pseudo-versions: versions of commits that have no tag, ordered by the commit's time.
 *
 * | form                                       | the newest tag before the commit             |
 * |--------------------------------------------|----------------------------------------------|
 * | `vX.0.0-yyyymmddhhmmss-rev`                | none of major version X                      |
 * | `vX.Y.(Z+1)-0.yyyymmddhhmmss-rev`          | `vX.Y.Z`                                     |
 * | `vX.Y.Z-pre.0.yyyymmddhhmmss-rev`          | `vX.Y.Z-pre`                                 |
 *
 * The last two end in `+incompatible` where that tag does. The time is the commit's, in UTC; `rev` is the start of
 * its hash, 12 digits of it in all that `go` makes. The rules are those of golang.org/x/mod/module.
 */
import { GomodError } from './error.ts'
import { shown } from './quote.ts'
import { build, canonical, isValid, major, prerelease } from './semver.ts'

/** What a pseudo-version is made of: `base` and `timestamp` are joined by a dot or, without a tag before, a dash. */
interface PseudoParts {
  /** `vX.0.0`, `vX.Y.(Z+1)-0` or `vX.Y.Z-pre.0`. */
  readonly base: string
  /** Fourteen digits. */
  readonly timestamp: string
  readonly rev: string
  /** `''`, or the build metadata with its plus. */
  readonly build: string
}

/** Whether `v` has the form of a pseudo-version. Its time may still be none, such as the 31st of February. */
export function isPseudoVersion(v: string): boolean {
  return takeApart(v) !== undefined
}

/**
 * The pseudo-version of a commit.
 *
 * @param major the major version with its `v`, used when `older` is `''`; `''` means `v0`
 * @param older the newest tag before the commit that has this major version, or `''`
 * @param time the commit's time, of which whole seconds count; throws GomodError `invalid_version` outside of the
 *   years 0 to 9999
 * @param rev the first 12 digits of the commit's hash
 */
export function pseudoVersion(major: string, older: string, time: Date, rev: string): string {
  return assemble(major, older, formatTime(time), rev)
}

/** The pseudo-version that stands for no commit: of the year 1, with a hash of zeros. `''` means `v0`. */
export function zeroPseudoVersion(major: string): string {
  return assemble(major, '', '00010101000000', '000000000000')
}

/** Whether `v` is what `zeroPseudoVersion` makes. */
export function isZeroPseudoVersion(v: string): boolean {
  return v === zeroPseudoVersion(major(v))
}

/** The time in a pseudo-version. Throws GomodError `invalid_version` if `v` is none, or the time is no time. */
export function pseudoVersionTime(v: string): Date {
  const { timestamp } = parse(v)
  const iso = timestamp.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/, '$1-$2-$3T$4:$5:$6.000Z')
  const time = new Date(iso)
  // Some engines read the 31st of February as a day of March.
  if (Number.isNaN(time.getTime()) || time.toISOString() !== iso)
    throw invalid(v, `${timestamp} is not a time`)
  return time
}

/** The start of the commit's hash in a pseudo-version. Throws GomodError `invalid_version` if `v` is none. */
export function pseudoVersionRev(v: string): string {
  return parse(v).rev
}

/**
 * The tag before the commit of a pseudo-version, `''` if there is none. Throws GomodError `invalid_version` if `v`
 * is no pseudo-version, or one that follows no possible tag.
 */
export function pseudoVersionBase(v: string): string {
  const parts = parse(v)
  const pre = prerelease(parts.base)
  if (pre === '') {
    if (parts.build === '') return ''
    throw invalid(v, `it has the suffix ${shown(parts.build)} but no tag before it to have that from`)
  }
  if (pre !== '-0') return parts.base.slice(0, -'.0'.length) + parts.build
  const release = parts.base.slice(0, -pre.length)
  const dot = release.lastIndexOf('.')
  const patch = BigInt(release.slice(dot + 1))
  if (patch === 0n) throw invalid(v, `there is no version just before ${release}`)
  return `${release.slice(0, dot + 1)}${patch - 1n}${parts.build}`
}

function assemble(major: string, older: string, timestamp: string, rev: string): string {
  const tag = canonical(older)
  if (tag === '') return `${major === '' ? 'v0' : major}.0.0-${timestamp}-${rev}`
  if (prerelease(tag) !== '') return `${tag}.0.${timestamp}-${rev}${build(older)}`
  const dot = tag.lastIndexOf('.')
  return `${tag.slice(0, dot + 1)}${BigInt(tag.slice(dot + 1)) + 1n}-0.${timestamp}-${rev}${build(older)}`
}

function formatTime(time: Date): string {
  const year = time.getUTCFullYear()
  if (!(year >= 0 && year <= 9999))
    throw new GomodError('invalid_version', 'a pseudo-version needs a year of four digits')
  return time.toISOString().replace(/[-T:]/g, '').slice(0, 14)
}

function parse(v: string): PseudoParts {
  const parts = takeApart(v)
  if (parts === undefined) throw invalid(v, 'it does not have the form vX.Y.Z-…yyyymmddhhmmss-revision')
  return parts
}

function takeApart(v: string): PseudoParts | undefined {
  if (!isValid(v)) return undefined
  const metadata = build(v)
  const text = v.slice(0, v.length - metadata.length)
  const dash = text.lastIndexOf('-')
  const timeStart = dash - 14
  if (timeStart < 1) return undefined
  const base = text.slice(0, timeStart - 1)
  const timestamp = text.slice(timeStart, dash)
  const rev = text.slice(dash + 1)
  if (!/^\d+$/.test(timestamp) || !/^[0-9A-Za-z]+$/.test(rev)) return undefined
  const joined = text[timeStart - 1]
  const fits = joined === '.' ? endsInZero(base) : joined === '-' && /^v\d+\.0\.0$/.test(base)
  return fits ? { base, timestamp, rev, build: metadata } : undefined
}

/** Whether the last identifier of the pre-release of `base` is 0. */
function endsInZero(base: string): boolean {
  const pre = prerelease(base)
  return pre === '-0' || pre.endsWith('.0')
}

function invalid(v: string, reason: string): GomodError {
  return new GomodError('invalid_version', `${shown(v)} is not a valid pseudo-version: ${reason}`)
}
