import type { Command } from 'commander'
import { addConfigFlags, configFlags } from '../config-flags.ts'
import type { CommandLine } from './command-line.ts'

const NOTES = `
The log in the folder of the configuration on this machine is read, whether a server runs on it or not. Times are days
(2026-11-26), times (2026-11-26T08:00:00Z) or how long ago (2h). docs/audit.md tells what each field means.

Examples:
  modstead audit verify --data-dir /var/lib/modstead
  modstead audit verify --key "$(cat audit-key.pub)" --checkpoint kept-elsewhere
  modstead audit export --since 2026-11-01 --until 2026-12-01 --csv > november.csv
  modstead audit export --type refusal,authentication --principal alice
  modstead audit export --id 01M8D3GBNEWTXYJVFC3QDDF06P
  modstead audit tail -f --module corp.example`

/** `modstead audit verify|export|tail|key|schema`. */
export function describeAuditCommands({ program, context, done }: CommandLine): void {
  const audit = program
    .command('audit')
    .description('verify and read the record of who did what')
    .addHelpText('after', NOTES)
  const several = (key: string, before: readonly string[] = []): string[] => [...before, key]
  local(
    audit
      .command('verify')
      .description('verify all of it: hashes, signatures, numbers; exit 1 where it was changed'),
  )
    .option(
      '--key <key>',
      'verifier key of whoever signs, as it was kept elsewhere; may be repeated',
      several,
    )
    .option('--checkpoint <file>', 'a checkpoint that was kept elsewhere: the log must have come by it')
    .option('--json', 'as JSON')
    .action(async (options, command) =>
      done(
        await (
          await import('../audit/verify.ts')
        ).verifyLocalAudit(options, configFlags(command, LOCAL), context),
      ),
    )
  filtered(local(audit.command('export').description('write the events that fit, a line of JSON each')))
    .option('--csv', 'as CSV, with a line of names')
    .action(async (options, command) =>
      done(
        await (await import('../audit/export.ts')).exportAudit(options, configFlags(command, LOCAL), context),
      ),
    )
  filtered(local(audit.command('tail').description('show the newest events')))
    .option('-f, --follow', 'and those that come')
    .option('-n, --lines <number>', 'how many (default: 20)')
    .option('--json', 'as the log has them')
    .action(async (options, command) =>
      done(await (await import('../audit/tail.ts')).tailAudit(options, configFlags(command, LOCAL), context)),
    )
  local(audit.command('key').description('print the verifier keys of whoever signs')).action(
    async (_options, command) =>
      done(await (await import('../audit/about.ts')).showAuditKeys(configFlags(command, LOCAL), context)),
  )
  audit
    .command('schema')
    .description('print the JSON Schema of an event')
    .action(async () => done((await import('../audit/about.ts')).showAuditSchema(context)))
}

const LOCAL = ['config', 'dataDir'] as const

function local(command: Command): Command {
  return addConfigFlags(command.addHelpText('after', NOTES), LOCAL)
}

function filtered(command: Command): Command {
  return command
    .option('--since <time>', 'only from then on')
    .option('--until <time>', 'only before then')
    .option('--type <types>', 'only these, with commas: authentication,refusal,download,…')
    .option('--principal <name>', 'only of this one, as it is named without a mask')
    .option('--module <patterns>', 'only about these modules, as in GOPRIVATE')
    .option('--id <id>', 'only the one of this event, decision or request')
}
