import { hash } from 'node:crypto'
import type { LoggedVersion } from './logged-version.ts'

/** Which versions had records so far, in some 40 bytes a version. */
export interface VersionsSeen {
  /** Takes the version of record `id`; gives the id of the record that it had before. */
  add(id: number, version: LoggedVersion): Promise<number | undefined>
}

/** A map holds 16 million entries at most, and small numbers cost it less than large ones. */
const SHARDS = 256

/**
 * Remembers 38 bits of a hash of each name. Where two versions share them, `read` tells whose record the earlier one is.
 */
export function createVersionsSeen(read: (id: number) => Promise<LoggedVersion | undefined>): VersionsSeen {
  const shards = Array.from({ length: SHARDS }, () => new Map<number, number>())
  /** Those whose place was taken. */
  const others = new Map<string, number>()
  return {
    async add(id, { module, version }) {
      const name = `${module}@${version}`
      const digest = hash('sha256', name, 'buffer')
      const ids = shards[digest[0]!]!
      const place = digest.readUInt32BE(1) >>> 2
      const before = ids.get(place)
      if (before === undefined) {
        ids.set(place, id)
        return undefined
      }
      const first = await read(before)
      if (first !== undefined && `${first.module}@${first.version}` === name) return before
      const other = others.get(name)
      if (other === undefined) others.set(name, id)
      return other
    },
  }
}
