import type { ZipChecker } from '../proxy/zip-checker.ts'
import { findingOf, findingOfUnreadable } from './advice.ts'
import type { Artifact, Claim, Claims, ModuleName, Proof } from './claims.ts'
import { compareClaims } from './compare.ts'
import type { Database } from './database.ts'
import { type Finding, isDifference } from './finding.ts'
import { readCachedVersion } from './module-cache.ts'
import type { OpenProxy } from './outward.ts'
import type { Patience } from './patience.ts'
import { placesIn } from './places.ts'
import type { Privacy } from './privacy.ts'
import { findingsOfProof, proxyAway } from './proof-advice.ts'
import type { Platform } from './shell.ts'
import { readStoredVersion } from './stored-files.ts'

/**
 * `proven`: all agree with the checksum database. `agree`: it does not cover the version, and all others agree.
 * `uncovered`: it does not, and there are no others. `differs`: somebody is wrong. `not_compared`: cannot be told now.
 */
export type Status = 'proven' | 'agree' | 'uncovered' | 'differs' | 'not_compared'

export interface Checked {
  status: Status
  findings: Finding[]
}

/** What every version is checked with. */
export interface Checking {
  /** GOMODCACHE. */
  cache: string
  database?: Database
  privacy: Privacy
  /** Whose files are compared; `always`, or only for what the database does not prove. */
  proxy?: { open: OpenProxy; always: boolean; trusted: boolean; folder: string; patience: Patience }
  checker: ZipChecker
  platform: Platform
}

const ARTIFACTS: readonly Artifact[] = ['zip', 'go.mod']

/** Asks every side about one version; `expected` are its lines of go.sum. Rejects with the reason of the signal only. */
export async function checkVersion(
  name: ModuleName,
  expected: Claims,
  checking: Checking,
  signal: AbortSignal,
): Promise<Checked> {
  const { cache, database, checker, platform } = checking
  const places = placesIn(cache, name)
  const [cached, proof] = await Promise.all([
    readCachedVersion(name, places, { checker, signal }),
    database?.prove(name, signal) ?? NO_DATABASE,
  ])
  const given = await askProxy(name, proof, checking, signal)
  const place = { name, places, extracted: cached.extracted, platform }
  const findings: Finding[] = []
  let isCompared = false
  for (const artifact of ARTIFACTS) {
    const proven = proof.state === 'proven' ? proof.hashes[artifact] : undefined
    const claims = [...expected[artifact], ...cached.claims[artifact], ...(given?.claims[artifact] ?? [])]
    const verdict = compareClaims(claims, proven)
    isCompared ||= verdict.kind !== 'alone'
    const finding = findingOf(verdict, {
      ...place,
      artifact,
      claims: proven === undefined ? claims : [...claims, databaseClaim(database!.name, proven)],
      ...(database && { database: database.name }),
    })
    if (finding !== undefined) findings.push(finding)
  }
  for (const unreadable of [...cached.unreadable, ...(given?.unreadable ?? [])])
    findings.push(findingOfUnreadable(unreadable, place))
  if (database !== undefined) findings.push(...findingsOfProof(proof, name, database))
  if (given?.failure !== undefined) findings.push(proxyAway(name, given.failure))
  return { status: statusOf(findings, proof, isCompared), findings }
}

const NO_DATABASE: Proof = { state: 'uncovered', reason: 'there is no checksum database' }

async function askProxy(
  name: ModuleName,
  proof: Proof,
  { proxy, privacy, checker }: Checking,
  signal: AbortSignal,
) {
  if (proxy === undefined || (proof.state === 'proven' && !proxy.always)) return undefined
  if (!proxy.trusted && !privacy.mayAskProxies(name.path)) return undefined
  const spent = proxy.patience.spent()
  const { open, folder, patience } = proxy
  if (spent !== undefined) return { claims: { zip: [], 'go.mod': [] }, unreadable: [], failure: spent }
  const found = await readStoredVersion(name, { proxy: open, folder, checker, signal })
  if (found.failure === undefined) patience.answered()
  else patience.failed(found.failure)
  return found
}

function databaseClaim(where: string, hash: string): Claim {
  return { side: 'database', where, hash }
}

function statusOf(findings: readonly Finding[], proof: Proof, isCompared: boolean): Status {
  if (findings.some(isDifference)) return 'differs'
  if (findings.length > 0) return 'not_compared'
  if (!isCompared) return 'uncovered'
  return proof.state === 'proven' ? 'proven' : 'agree'
}
