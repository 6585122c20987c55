/**
 * The rule by which it is told who is wrong where hashes of one thing differ.
 *
 * The record of a checksum database is proven to be the one that everybody is given, so it is right, and who differs
 * from it is wrong. Without one, a line of go.sum is right where a side of another kind agrees with it, and without
 * such a line a proxy is. Among the files of the module cache alone the hash that most of them have is right, two at
 * least. Otherwise nothing here can say who is right: what was downloaded together may be wrong together.
 */
import type { Claim, Side } from './claims.ts'

export type Verdict =
  /** All sides have one hash: two at least, or one that is proven. */
  | { kind: 'agree'; proven: boolean }
  /** There are fewer than two sides. */
  | { kind: 'alone' }
  /** `judge` says by what: the database, or that several sides agree. */
  | { kind: 'wrong'; right: string; wrong: Claim[]; judge: 'database' | 'agreement' }
  /** go.sum, and all that was downloaded, have one hash, and the database has another. */
  | { kind: 'database_disagrees'; right: string; wrong: Claim[] }
  | { kind: 'undecided'; claims: Claim[] }

/** `claims` are those of one artifact of one version; `proven` is its hash in the checksum database, if it has one. */
export function compareClaims(claims: readonly Claim[], proven?: string): Verdict {
  if (proven !== undefined) return compareWithProof(claims, proven)
  if (claims.length < 2) return { kind: 'alone' }
  const hashes = new Set(claims.map(({ hash }) => hash))
  if (hashes.size === 1) return { kind: 'agree', proven: false }
  const right = agreedHash(claims)
  return right === undefined
    ? { kind: 'undecided', claims: [...claims] }
    : { kind: 'wrong', right, wrong: claims.filter(({ hash }) => hash !== right), judge: 'agreement' }
}

function compareWithProof(claims: readonly Claim[], right: string): Verdict {
  const wrong = claims.filter(({ hash }) => hash !== right)
  if (claims.length === 0) return { kind: 'alone' }
  if (wrong.length === 0) return { kind: 'agree', proven: true }
  const isUnited = wrong.length === claims.length && new Set(wrong.map(({ hash }) => hash)).size === 1
  const isDownloaded = wrong.some(({ side }) => side !== 'go_sum')
  const isExpected = wrong.some(({ side }) => side === 'go_sum')
  if (isUnited && isExpected && isDownloaded) return { kind: 'database_disagrees', right, wrong }
  return { kind: 'wrong', right, wrong, judge: 'database' }
}

function agreedHash(claims: readonly Claim[]): string | undefined {
  const anchor = ANCHORS.find((side) => claims.some((claim) => claim.side === side))
  if (anchor === undefined) return hashOfMost(claims)
  const [hash, ...others] = new Set(claims.filter(({ side }) => side === anchor).map(({ hash }) => hash))
  const isShared = claims.some((claim) => claim.side !== anchor && claim.hash === hash)
  return others.length === 0 && isShared ? hash : undefined
}

/** Sides that others confirm or not, the first that is there. */
const ANCHORS: readonly Side[] = ['go_sum', 'proxy']

function hashOfMost(claims: readonly Claim[]): string | undefined {
  const counts = new Map<string, number>()
  for (const { hash } of claims) counts.set(hash, (counts.get(hash) ?? 0) + 1)
  const most = Math.max(...counts.values())
  const [first, ...others] = Array.from(counts).filter(([, count]) => count === most)
  return most > 1 && others.length === 0 ? first![0] : undefined
}
