import { isTimestamp } from './info-file.ts'
import type { ListedVersion } from './origin.ts'

export interface MergedList {
  /** What the origin lists, in its order, and after it what only was listed before. */
  versions: ListedVersion[]
  /** Versions that the origin does not list any more. */
  gone: string[]
}

/**
 * The list of a module after its origin gave a new one: what was listed before and `isKept` stays, for a version that
 * builds depend on does not go away with a tag or a repository.
 */
export async function mergeLists(
  before: readonly ListedVersion[],
  now: readonly ListedVersion[],
  isKept: (version: string) => Promise<boolean>,
): Promise<MergedList> {
  const listed = new Set(now.map(({ version }) => version))
  const kept: ListedVersion[] = []
  for (const entry of before)
    if (!listed.has(entry.version) && (await isKept(entry.version))) kept.push(entry)
  return { versions: [...now, ...kept], gone: kept.map(({ version }) => version) }
}

/** A list as the protocol has it: a version a line, with its time where that is known. */
export function formatList(versions: readonly ListedVersion[]): Buffer {
  return Buffer.from(
    versions.map(({ version, time }) => (time ? `${version} ${time}\n` : `${version}\n`)).join(''),
  )
}

/** What `formatList` wrote. */
export function parseOwnList(body: Buffer): ListedVersion[] {
  return body
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [version = '', time = ''] = line.split(' ', 2)
      return isTimestamp(time) ? { version, time } : { version }
    })
}
