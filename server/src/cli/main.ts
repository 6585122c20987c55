import { Command, CommanderError } from 'commander'
import { addConfigFlags, configFlags } from './config-flags.ts'
import { type CommandContext, EXIT } from './context.ts'
import { reportFailure } from './failures.ts'

const EXAMPLES = `
Examples:
  modstead serve                                     serve what \`go\` here would use, on 127.0.0.1:6637
  modstead serve --listen :6637 --data-dir /var/lib/modstead
  modstead serve --upstream "https://proxy.golang.org,direct"
  modstead config check modstead.yaml                find mistakes before they matter

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.`

const SERVE_NOTES = `
Every flag has an environment variable, such as MODSTEAD_DATA_DIR for --data-dir; flags win over variables, variables
over the file. All keys of the file: docs/configuration.md, or \`modstead config schema\`.

SIGTERM and SIGINT stop it: nothing new is accepted, running requests may finish within --shutdown-grace, and the exit
code is 0. A second signal, half a second later or more, ends it at once with 1.

Examples:
  modstead serve --config /etc/modstead.yaml
  modstead serve --listen unix:/run/modstead.sock --public-url https://go.corp.example
  modstead serve --upstream "https://proxy.golang.org|https://goproxy.io"`

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

/** One line a command; what it does is loaded when it is used. */
function describeProgram(context: CommandContext, done: (code: number) => void): Command {
  const program = new Command('modstead')
    .description('A Go module proxy and checksum database of your own.')
    .version(context.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      getOutHasColors: () => context.stdout.hasColors?.() ?? false,
      getErrHasColors: () => context.stderr.hasColors?.() ?? false,
    })
  addConfigFlags(
    program.command('serve').description('run the server').addHelpText('after', SERVE_NOTES),
  ).action(async (_, command) =>
    done(await (await import('./serve.ts')).serve(configFlags(command), context)),
  )
  const config = program.command('config').description('check, show or describe the configuration')
  addConfigFlags(config.command('check [file]').description('find mistakes and say where they are')).action(
    async (file, _, command) =>
      done(
        await (await import('./config-check.ts')).checkConfig(withFile(configFlags(command), file), context),
      ),
  )
  addConfigFlags(config.command('show [file]').description('print what is in effect, without secrets'))
    .option('--json', 'as JSON')
    .action(async (file, options, command) =>
      done(
        await (
          await import('./config-show.ts')
        ).showConfig(withFile(configFlags(command), file), options.json, context),
      ),
    )
  config
    .command('schema')
    .description('print the JSON Schema of configuration files')
    .action(async () => done((await import('./config-schema.ts')).printSchema(context)))
  program
    .command('version')
    .description('print the versions of modstead and Node.js')
    .option('--json', 'as JSON')
    .action(async (options) => done((await import('./version.ts')).printVersion(options.json, context)))
  for (const command of [program, ...program.commands, ...config.commands])
    command.showHelpAfterError(`Run "${pathOf(command)} --help" for the usage.`)
  return program
}

function withFile<Flags extends object>(flags: Flags, file: string | undefined): Flags {
  return file === undefined ? flags : { ...flags, config: file }
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name()
}
