import type { Command } from 'commander'
import { addConfigFlags, configFlags } from '../config-flags.ts'
import type { CommandLine } from './command-line.ts'

const NOTES = `
Without --to the data folder of the configuration on this machine is read, whether a server runs on it or not, which
needs no token. With --to a modstead is asked, with a token of its configuration that may audit, from the variable
MODSTEAD_TOKEN or from --token-file. docs/incidents.md tells what each kind means, and what to do.

Examples:
  modstead incidents list --open --exit-code --data-dir /var/lib/modstead
  modstead incidents show inc-7k3m-02pq --to https://go.corp.example
  modstead incidents ack inc-7k3m-02pq --note "the mirror was restored from an old backup; cleared"`

/** `modstead incidents list|show|ack`. */
export function describeIncidentCommands({ program, context, done }: CommandLine): void {
  const incidents = program
    .command('incidents')
    .description('look at mismatches of what must never differ')
    .addHelpText('after', NOTES)
  sourceFlags(
    incidents
      .command('list')
      .description('list them, the newest first')
      .option('--open', 'only those that nobody has acknowledged')
      .option('--limit <number>', 'how many at most, up to 200 (default: 50)')
      .option('--before <id>', 'only those before this incident')
      .option('--exit-code', 'exit with 1 when any is listed'),
  ).action(async (options, command) =>
    done(await (await import('../incidents.ts')).listIncidents(options, configFlags(command), context)),
  )
  sourceFlags(
    incidents.command('show <id>').description('tell all of one: both hashes, what it means and what to do'),
  ).action(async (id, options, command) =>
    done(await (await import('../incidents.ts')).showIncident(id, options, configFlags(command), context)),
  )
  sourceFlags(
    incidents
      .command('ack <id>')
      .description('note that somebody has looked at it')
      .requiredOption('--note <text>', 'what it was, and what was done: one line'),
  ).action(async (id, options, command) =>
    done(
      await (await import('../incidents.ts')).acknowledgeIncident(id, options, configFlags(command), context),
    ),
  )
}

function sourceFlags(command: Command): Command {
  return addConfigFlags(
    command
      .option('--json', 'as JSON')
      .option('--to <url>', 'address of a modstead, as in GOPROXY (default: the data folder here)')
      .option('--token-file <file>', 'file that holds the token (default: MODSTEAD_TOKEN)')
      .addHelpText('after', NOTES),
    ['config', 'dataDir'],
  )
}
