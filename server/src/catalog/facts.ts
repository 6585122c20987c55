import { equalHash } from '@modstead/gomod/dirhash'
import { ModsteadError } from '../errors.ts'
import type { VersionFacts } from '../proxy/catalog.ts'

/** The kinds of hashes that hold for ever, in the words of a message. */
const HASHES = [
  ['h1', 'zip'],
  ['goModH1', 'go.mod'],
] as const

const FIRST_VALUE_HOLDS = ['time', 'origin', 'provenBy', 'commit'] as const

/**
 * What is known of a version once `facts` are added to what was `known` before; `undefined` when that is nothing new.
 * Hashes and commits never change: throws `checksum_mismatch` for another one. Size and SHA-256 of the zip describe the bytes that
 * are stored, which come anew when a damaged file was replaced: both take the values given last. All other fields
 * keep their first value.
 */
export function addFacts(known: VersionFacts, facts: VersionFacts, name: string): VersionFacts | undefined {
  const sum: VersionFacts = { ...known }
  let news = false
  for (const [field, what] of HASHES) {
    const [before, now] = [known[field], facts[field]]
    if (now === undefined) continue
    if (before !== undefined && !equalHash(before, now)) {
      const message = `the ${what} of ${name} is known to have the hash ${before}, and ${now} was to be recorded`
      throw new ModsteadError('checksum_mismatch', message)
    }
    if (before === undefined) news = true
    sum[field] = now
  }
  if (facts.commit !== undefined && known.commit !== undefined && facts.commit !== known.commit) {
    const message = `${name} is known to be commit ${known.commit}, and ${facts.commit} was to be recorded`
    throw new ModsteadError('checksum_mismatch', message)
  }
  if (facts.zipSize !== undefined && facts.zipSize !== known.zipSize) {
    sum.zipSize = facts.zipSize
    // That of other bytes must not outlive them.
    delete sum.zipSha256
    news = true
  }
  if (facts.zipSha256 !== undefined && facts.zipSha256 !== sum.zipSha256) {
    sum.zipSha256 = facts.zipSha256
    news = true
  }
  if (facts.info === true && known.info !== true) {
    sum.info = true
    news = true
  }
  for (const field of FIRST_VALUE_HOLDS) {
    if (facts[field] === undefined || known[field] !== undefined) continue
    sum[field] = facts[field]
    news = true
  }
  return news ? sum : undefined
}
