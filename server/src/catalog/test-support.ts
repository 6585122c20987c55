/** What the tests of this room share. */
import { checkPath, type ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'

export function path(module: string): ModulePath {
  return checkPath(module)
}

export function version(text: string): Version {
  return text as Version
}

/** Some SHA-256 in hex, the same for the same digit. */
export function someSha256(digit: string): string {
  return digit.repeat(64)
}
