import { addConfigFlags, configFlags } from '../config-flags.ts'
import type { Command } from 'commander'
import type { CommandLine } from './command-line.ts'

const NOTES = `
docs/checksum-database.md tells what it proves, and how its keys are kept and replaced.

Examples:
  modstead sumdb init --name go.corp.example --out /etc/modstead/sumdb.key
  modstead sumdb key /etc/modstead/sumdb.key
  go env -w GOSUMDB="$(modstead sumdb key --config /etc/modstead.yaml)"
  modstead sumdb verify --config /etc/modstead.yaml --store
  modstead sumdb audit https://go.corp.example --key go.corp.example+c74f20a3+AZ… --state /var/lib/audit/go.corp.example
  modstead sumdb witness --key witness.key --log go.corp.example+c74f20a3+AZ… --state witness-state --listen :6638
  modstead sumdb export --config /etc/modstead.yaml /backup/checksum-log.txt`

/** `modstead sumdb …`: a checksum database of one's own. */
export function describeSumdbCommands({ program, context, done }: CommandLine): void {
  const sumdb = program
    .command('sumdb')
    .description('a checksum database of your own: its keys, its log, and audits of any')
    .addHelpText('after', NOTES)
  sumdb
    .command('init')
    .description('make a signer key, and print what to configure and what to tell clients')
    .requiredOption(
      '--name <name>',
      'what clients will call the database: a host[/path] such as go.corp.example',
    )
    .option('--witness', 'make the key of a witness of other logs')
    .option(
      '--out <file>',
      'where the key goes; a file that exists is never overwritten (default: sumdb.key, or witness.key)',
    )
    .action(async (options) => done(await (await import('../sumdb-init.ts')).initSumdb(options, context)))
  addConfigFlags(
    sumdb
      .command('key [file]')
      .description('print the verifier key that belongs to a signer key (default: that of the configuration)')
      .option('--witness', 'the file is the key of a witness'),
    ['config'],
  ).action(async (file, { witness }, command) =>
    done(
      await (
        await import('../sumdb-key.ts')
      ).printVerifierKey(file, { settings: configFlags(command), witness }, context),
    ),
  )
  describeLogCommands(sumdb, { context, done })
  describeAudit(sumdb, { context, done })
  describeWitnessCommands(sumdb, { context, done })
}

/** What a log in a data folder is found by. */
const SETTINGS = ['config', 'dataDir'] as const

/** Commands about the log in a data folder. */
function describeLogCommands(sumdb: Command, { context, done }: Omit<CommandLine, 'program'>): void {
  const local = (command: Command): Command =>
    addConfigFlags(command, SETTINGS).option(
      '--key <key>',
      'verifier key (default: that of the configuration)',
    )
  local(sumdb.command('info').description('tell how far the log is, and what it has signed'))
    .option('--json', 'as JSON')
    .action(async ({ key, json }, command) =>
      done(
        await (
          await import('../sumdb/info.ts')
        ).showLogInfo({ settings: configFlags(command, SETTINGS), key, json }, context),
      ),
    )
  local(sumdb.command('verify').description('verify the whole log: records, tiles, head, high-water mark'))
    .option('--store', 'compare it with the catalog, and hash every stored zip and go.mod again')
    .option('--upstream', 'compare public versions with the records of the configured checksum databases')
    .option('--json', 'a line of JSON for each finding')
    .action(async ({ key, store, upstream, json }, command) =>
      done(
        await (
          await import('../sumdb/verify.ts')
        ).verifyStoredLog({ settings: configFlags(command, SETTINGS), key, store, upstream, json }, context),
      ),
    )
  local(
    sumdb.command('export <file>').description('write the log to a text file, or to standard output (-)'),
  ).action(async (file, { key }, command) =>
    done(
      await (
        await import('../sumdb/export.ts')
      ).exportLog(file, { settings: configFlags(command, SETTINGS), key }, context),
    ),
  )
  local(
    sumdb
      .command('import <file|url>')
      .description('give the log back what an export or a published copy has more'),
  )
    .option('--token-file <file>', 'file that holds a token that may audit (default: MODSTEAD_TOKEN)')
    .action(async (from, { key, tokenFile }, command) =>
      done(
        await (
          await import('../sumdb/import.ts')
        ).importRecords(from, { settings: configFlags(command, SETTINGS), key, tokenFile }, context),
      ),
    )
  local(sumdb.command('mark').description('take the log as it is for all that it ever signed'))
    .option('--yes', 'nothing is missing: write it')
    .action(async ({ key, yes }, command) =>
      done(
        await (
          await import('../sumdb/mark.ts')
        ).setMark({ settings: configFlags(command, SETTINGS), key, yes }, context),
      ),
    )
}

function describeAudit(sumdb: Command, { context, done }: Omit<CommandLine, 'program'>): void {
  sumdb
    .command('audit <url>')
    .description('check that a checksum database somewhere else only grows, and remember its head')
    .requiredOption('--key <key>', 'its verifier key, as in GOSUMDB')
    .option('--state <file>', 'where its newest head is remembered from one audit to the next')
    .option('--records', 'read all records, too: with a token that may audit')
    .option('--token-file <file>', 'file that holds the token (default: MODSTEAD_TOKEN)')
    .option('--json', 'as JSON')
    .option('--verbose', 'say something where all is well, too')
    .action(async (url, options) =>
      done(await (await import('../sumdb/audit.ts')).auditDatabase(url, options, context)),
    )
}

function describeWitnessCommands(sumdb: Command, { context, done }: Omit<CommandLine, 'program'>): void {
  const several = (key: string, before: readonly string[] = []): string[] => [...before, key]
  sumdb
    .command('witness')
    .description('run a witness of other logs: it cosigns heads that continue all that it has seen')
    .requiredOption('--key <file>', 'its signer key, from "modstead sumdb init --witness"')
    .requiredOption('--log <key>', "a log's verifier key, as in GOSUMDB; may be given several times", several)
    .requiredOption('--state <file>', 'where it remembers the heads that it cosigned')
    .option('--listen <address>', 'host:port, port or unix:/path', '127.0.0.1:6638')
    .option('--tls-cert <file>', 'certificate, in PEM; else it speaks plain HTTP')
    .option('--tls-key <file>', 'key of the certificate, in PEM')
    .action(async (options) => done(await (await import('../sumdb/witness.ts')).runWitness(options, context)))
  sumdb
    .command('witnesses')
    .description('tell what the witnesses of a running modstead said last')
    .requiredOption('--to <url>', 'address of the modstead, as in GOPROXY')
    .requiredOption('--key <key>', "its log's verifier key, as in GOSUMDB")
    .option(
      '--witness <key>',
      "a witness's verifier key, to verify its cosignature; may be repeated",
      several,
    )
    .option('--json', 'as JSON')
    .action(async (options) =>
      done(await (await import('../sumdb/witnesses.ts')).showWitnesses(options, context)),
    )
}
