import type { Artifact, Claim, Side } from './claims.ts'

/**
 * `wrong`: it is known which sides are. `database_disagrees`: go.sum and what was downloaded have one hash, and the
 * database has another. `undecided`: they differ, and nothing says who is right. `not_in_database`: it has no record.
 * `database_refused`: what came in its name does not verify. `unreadable`: a file is not what it should be.
 * `bad_line`: a line of go.sum that `go` refuses, or that can do nothing. `not_compared`: it could not be told now.
 */
export type FindingKind =
  | 'wrong'
  | 'database_disagrees'
  | 'undecided'
  | 'not_in_database'
  | 'database_refused'
  | 'unreadable'
  | 'bad_line'
  | 'not_compared'

/** What to do next. */
export interface Step {
  text: string
  /** Lines for a shell. */
  commands: string[]
}

/** Something a person should look at. Texts have no control characters. */
export interface Finding {
  kind: FindingKind
  /** Absent where it is about a file or the database as a whole. */
  path?: string
  version?: string
  /** Absent where it is about more than one of them. */
  artifact?: Artifact
  /** Who is wrong, each once; empty where it is not known. */
  wrong: Side[]
  /** What every side said, the database among them. */
  claims: Claim[]
  /** One sentence or more. */
  message: string
  /** Lines that explain it, for whoever looks into it. */
  details?: string
  steps: Step[]
  /** The security team should hear of it. */
  security: boolean
}

/** Whether it makes the answer "they differ", as opposed to "it cannot be told". */
export function isDifference({ kind }: Pick<Finding, 'kind'>): boolean {
  return kind !== 'not_compared'
}
