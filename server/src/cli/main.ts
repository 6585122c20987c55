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
  modstead origin test corp.example/team/lib         where a module comes from, and what its server says

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

const TOKEN_NOTES = `
The token is one of those in the configuration of that modstead (see docs/publishing.md), and is read from the variable
MODSTEAD_TOKEN or from --token-file.

Examples:
  modstead publish --version v1.2.3 --to https://go.corp.example
  modstead publish ./lib --version v1.2.3 --dry-run
  modstead delete go.corp.example/lib@v1.2.3 --to https://go.corp.example --reason "holds a private key"`

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
    // So that `publish` may have a --version of its own.
    .enablePositionalOptions()
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
  const origin = program.command('origin').description('ask the origins of modules')
  addConfigFlags(
    origin
      .command('test <module>')
      .description('tell where a module comes from, with which credentials, and what the server said'),
    ['config', 'upstream'],
  ).action(async (module, _, command) =>
    done(await (await import('./origin-test.ts')).testOrigins(module, configFlags(command), context)),
  )
  remoteFlags(
    program
      .command('publish [folder]')
      .description('make a module version from a folder and send it to a modstead')
      .requiredOption('--version <version>', 'the version, such as v1.2.3')
      .option('--module <path>', 'the module path (default: what the go.mod declares)')
      .option('--to <url>', 'address of the modstead, as in GOPROXY')
      .option('--dry-run', 'make and check it, and send nothing')
      .option('--allow-dirty', 'publish files that are not committed, too')
      .addHelpText('after', TOKEN_NOTES),
  ).action(async (folder, options) =>
    done(await (await import('./publish.ts')).publish(folder ?? '.', options, context)),
  )
  remoteFlags(
    program
      .command('delete <module@version>')
      .description('delete one version from a modstead, for good')
      .requiredOption('--reason <text>', 'why: shown to whoever asks for the version, and recorded')
      .requiredOption('--to <url>', 'address of the modstead, as in GOPROXY')
      .addHelpText('after', TOKEN_NOTES),
  ).action(async (name, options) =>
    done(await (await import('./delete.ts')).deleteVersion(name, options, context)),
  )
  program
    .command('version')
    .description('print the versions of modstead and Node.js')
    .option('--json', 'as JSON')
    .action(async (options) => done((await import('./version.ts')).printVersion(options.json, context)))
  for (const command of [program, ...program.commands, ...config.commands])
    command.showHelpAfterError(`Run "${pathOf(command)} --help" for the usage.`)
  return program
}

/** Never a token itself: everyone on the machine can read the arguments of a process. */
function remoteFlags(command: Command): Command {
  return command.option('--token-file <file>', 'file that holds the token (default: MODSTEAD_TOKEN)')
}

function withFile<Flags extends object>(flags: Flags, file: string | undefined): Flags {
  return file === undefined ? flags : { ...flags, config: file }
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name()
}
