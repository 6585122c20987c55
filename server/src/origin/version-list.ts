import { isValid } from '@modstead/gomod/semver'
import { isTimestamp } from '../proxy/info-file.ts'
import type { VersionList } from '../proxy/origin.ts'

/**
 * The versions of a list, in its order and each once, with the times of those that have one. Lines that are not
 * versions are dropped, and so are times that are not RFC 3339: both as `go` does.
 */
export function parseList(text: string): VersionList['versions'] {
  const versions = new Map<string, { version: string; time?: string }>()
  for (const line of text.split('\n')) {
    const [version = '', time = ''] = line.trim().split(/\s+/, 2)
    if (!isValid(version) || versions.has(version)) continue
    versions.set(version, isTimestamp(time) ? { version, time } : { version })
  }
  return [...versions.values()]
}
