import type { Command } from 'commander'
import type { CommandLine } from './command-line.ts'

const NOTES = `
The token is one that modstead issued (mst_…) or one of those in the configuration of that modstead (see
docs/publishing.md). It is read from the variable MODSTEAD_TOKEN or from --token-file.

Examples:
  modstead publish --version v1.2.3 --to https://go.corp.example
  modstead publish ./lib --version v1.2.3 --dry-run
  modstead delete go.corp.example/lib@v1.2.3 --to https://go.corp.example --reason "holds a private key"`

/** `modstead publish` and `modstead delete`. */
export function describePublishing({ program, context, done }: CommandLine): void {
  remoteFlags(
    program
      .command('publish [folder]')
      .description('make a module version from a folder and send it to a modstead')
      .requiredOption('--version <version>', 'the version, such as v1.2.3')
      .option('--module <path>', 'the module path (default: what the go.mod declares)')
      .option('--to <url>', 'address of the modstead, as in GOPROXY')
      .option('--dry-run', 'make and check it, and send nothing')
      .option('--allow-dirty', 'publish files that are not committed, too')
      .addHelpText('after', NOTES),
  ).action(async (folder, options) =>
    done(await (await import('../publish.ts')).publish(folder ?? '.', options, context)),
  )
  remoteFlags(
    program
      .command('delete <module@version>')
      .description('delete one version from a modstead, for good')
      .requiredOption('--reason <text>', 'why: shown to whoever asks for the version, and recorded')
      .requiredOption('--to <url>', 'address of the modstead, as in GOPROXY')
      .addHelpText('after', NOTES),
  ).action(async (name, options) =>
    done(await (await import('../delete.ts')).deleteVersion(name, options, context)),
  )
}

/** Never a token itself: everyone on the machine can read the arguments of a process. */
function remoteFlags(command: Command): Command {
  return command.option('--token-file <file>', 'file that holds the token (default: MODSTEAD_TOKEN)')
}
