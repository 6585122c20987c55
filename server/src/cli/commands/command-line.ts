import type { Command } from 'commander'
import type { CommandContext } from '../context.ts'

/** What the descriptions of commands are given. What a command does is loaded when it is used. */
export interface CommandLine {
  program: Command
  context: CommandContext
  /** Takes the exit code of the command that was run. */
  done(code: number): void
}
