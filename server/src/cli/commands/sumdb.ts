import { addConfigFlags, configFlags } from '../config-flags.ts'
import type { CommandLine } from './command-line.ts'

const NOTES = `
docs/checksum-database.md tells what it proves, and how its keys are kept and replaced.

Examples:
  modstead sumdb init --name go.corp.example --out /etc/modstead/sumdb.key
  modstead sumdb key /etc/modstead/sumdb.key
  go env -w GOSUMDB="$(modstead sumdb key --config /etc/modstead.yaml)"`

/** `modstead sumdb …`: a checksum database of one's own. */
export function describeSumdbCommands({ program, context, done }: CommandLine): void {
  const sumdb = program
    .command('sumdb')
    .description('keys of a checksum database of your own')
    .addHelpText('after', NOTES)
  sumdb
    .command('init')
    .description('make a signer key, and print what to configure and what to tell clients')
    .requiredOption(
      '--name <name>',
      'what clients will call the database: a host[/path] such as go.corp.example',
    )
    .option('--out <file>', 'where the key goes; a file that exists is never overwritten', 'sumdb.key')
    .action(async (options) => done(await (await import('../sumdb-init.ts')).initSumdb(options, context)))
  addConfigFlags(
    sumdb
      .command('key [file]')
      .description(
        'print the verifier key that belongs to a signer key (default: that of the configuration)',
      ),
    ['config'],
  ).action(async (file, _, command) =>
    done(await (await import('../sumdb-key.ts')).printVerifierKey(file, configFlags(command), context)),
  )
}
