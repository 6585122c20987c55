/** Which files belong to vendored packages, and so are not part of a module's zip. */

/**
 * Whether the file at `path`, relative to the root of the module, belongs to a vendored package. `goVersion` is the
 * version in the module's go directive (`1.24`, `1.21.3`, `1.25rc1`), `undefined` or not a version where there is none.
 *
 * Old mistakes are kept for modules that state a version before 1.24, for their hashes are recorded: they keep
 * `vendor/modules.txt`, and of a `vendor` directory below the root they lose even the files right in it.
 */
export function isVendored(path: string, goVersion: string | undefined): boolean {
  const corrected = isAtLeast124(goVersion)
  if (path === 'vendor/modules.txt') return corrected
  if (path.startsWith('vendor/')) return path.includes('/', 'vendor/'.length)
  const nested = path.indexOf('/vendor/')
  return nested >= 0 && (!corrected || path.includes('/', nested + '/vendor/'.length))
}

/** A version of the language or of a release, with its major and minor number: 1.24, 1.24.1, 1.24rc1. */
const GO_VERSION = /^(0|[1-9][0-9]*)(?:\.(0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*)|[a-z]+(?:0|[1-9][0-9]*)?)?)?$/

function isAtLeast124(goVersion: string | undefined): boolean {
  const match = GO_VERSION.exec(goVersion ?? '')
  if (match === null) return false
  const [, major, minor = '0'] = match
  return Number(major) > 1 || (Number(major) === 1 && Number(minor) >= 24)
}
