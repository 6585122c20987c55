import { Command, CommanderError } from 'commander'
import { describeAccessCommands } from './commands/access.ts'
import { describeActs } from './commands/acts.ts'
import { describeAuditCommands } from './commands/audit.ts'
import type { CommandLine } from './commands/command-line.ts'
import { describeConfigCommands } from './commands/config.ts'
import { describeIncidentCommands } from './commands/incidents.ts'
import { describeOriginCommands } from './commands/origin.ts'
import { describePublishing } from './commands/publishing.ts'
import { describeSessionCommands } from './commands/session.ts'
import { describeServe } from './commands/serve.ts'
import { describeSettings } from './commands/settings.ts'
import { describeSumdbCommands } from './commands/sumdb.ts'
import { describePromote } from './commands/promote.ts'
import { describeTokenCommands } from './commands/token.ts'
import { describeUserCommands } from './commands/user.ts'
import { describeVerify } from './commands/verify.ts'
import { describeVersion } from './commands/version.ts'
import { type CommandContext, EXIT } from './context.ts'
import { reportFailure } from './failures.ts'

const EXAMPLES = `
Examples:
  modstead serve                                     serve what \`go\` here would use, on 127.0.0.1:6637
  modstead serve --listen :6637 --data-dir /var/lib/modstead
  modstead serve --upstream "https://proxy.golang.org,direct"
  modstead config check modstead.yaml                find mistakes before they matter
  modstead origin test corp.example/team/lib         where a module comes from, and what its server says
  modstead verify                                    which hashes of a Go project differ, and who is wrong

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration; "modstead help verify" has its own.`

/** In the order of `--help`. */
const COMMANDS: readonly ((commandLine: CommandLine) => void)[] = [
  describeServe,
  describeConfigCommands,
  describeSettings,
  describeOriginCommands,
  describePublishing,
  describeIncidentCommands,
  describeActs,
  describeUserCommands,
  describeTokenCommands,
  describePromote,
  describeAccessCommands,
  describeSessionCommands,
  describeAuditCommands,
  describeSumdbCommands,
  describeVerify,
  describeVersion,
]

/** Runs the command line `args` (without `node` and the script) and gives the exit code. */
export async function run(args: readonly string[], context: CommandContext): Promise<number> {
  let code: number = EXIT.ok
  const program = describeProgram(context, (result) => (code = result))
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(context, error)
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  }
}

function describeProgram(context: CommandContext, done: (code: number) => void): Command {
  const program = new Command('modstead')
    .description('A Go module proxy and checksum database of your own.')
    .version(context.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText('after', EXAMPLES)
    // So that `publish` may have a --version of its own.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      getOutHasColors: () => context.stdout.hasColors?.() ?? false,
      getErrHasColors: () => context.stderr.hasColors?.() ?? false,
    })
  for (const describe of COMMANDS) describe({ program, context, done })
  showUsageAfterErrors(program)
  return program
}

function showUsageAfterErrors(command: Command): void {
  command.showHelpAfterError(`Run "${pathOf(command)} --help" for the usage.`)
  for (const below of command.commands) showUsageAfterErrors(below)
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name()
}
