import { GomodError } from '../error.ts'

/** One thing that is wrong in a go.mod file. */
export interface GoModProblem {
  /** From 1 on. */
  readonly line: number
  /** In characters, from 1 on. */
  readonly column: number
  /** A phrase, without the position. */
  readonly message: string
}

/** How many problems of one file are told. A file with more is hostile or not a go.mod file at all. */
export const MAX_PROBLEMS = 100

/** Everything that is wrong with a go.mod file, in one error: its message has a line `file:line:column: …` for each. */
export class GoModError extends GomodError {
  readonly file: string
  /** In the order of the file, MAX_PROBLEMS at most. */
  readonly problems: readonly GoModProblem[]

  constructor(file: string, problems: readonly GoModProblem[]) {
    const lines = problems.map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`)
    super('invalid_gomod', lines.join('\n'))
    this.file = file
    this.problems = problems
  }
}
