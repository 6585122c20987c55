import { addConfigFlags, configFlags } from '../config-flags.ts'
import type { CommandLine } from './command-line.ts'

const NOTES = `
All of it happens in the data folder of the configuration on this machine, whether a server runs on it or not. A token
may do what its owner may by the bindings of access in the configuration, or less. docs/access.md tells more.

Examples:
  modstead token create --for user:alice --note laptop --expires 30d
  TOKEN=$(modstead token create --for service:ci --can module:read --modules corp.example/team-a)
  modstead token list
  modstead token revoke 4Kq0Zx81mBvT
  modstead token explain id-token                    of a job: which rule of access.workloads fits`

/** `modstead token create|list|explain|revoke`. */
export function describeTokenCommands({ program, context, done }: CommandLine): void {
  const tokens = program
    .command('token')
    .description('make, list and revoke access tokens, and explain those of jobs')
    .addHelpText('after', NOTES)
  addConfigFlags(
    tokens
      .command('create')
      .description('make a token, and print it: it is shown this once')
      .requiredOption('--for <owner>', 'whose it is: user:NAME or service:NAME')
      .option('--tenant <name>', 'the tenant that takes it (default: the server outside its tenants)')
      .option('--note <text>', 'what tells it from others')
      .option(
        '--can <permissions>',
        'what it may be used for at most, with commas: module:read,module:publish',
      )
      .option('--modules <patterns>', 'for which modules, with commas, as in GOPRIVATE')
      .option('--expires <duration>', 'after which time it ends, up to 3650d, or "never" (default: 90d)')
      .option('--json', 'as JSON')
      .addHelpText('after', NOTES),
    ['config', 'dataDir'],
  ).action(async (options, command) =>
    done(await (await import('../token-create.ts')).createToken(options, configFlags(command), context)),
  )
  addConfigFlags(
    tokens
      .command('list')
      .description('list them, the oldest first, without their secrets')
      .option('--json', 'as JSON'),
    ['config', 'dataDir'],
  ).action(async (options, command) =>
    done(await (await import('../token-list.ts')).listTokens(options, configFlags(command), context)),
  )
  addConfigFlags(
    tokens
      .command('explain <file>')
      .description('tell what the rules of access.workloads make of the token of a job'),
    ['config'],
  ).action(async (file, _options, command) =>
    done(await (await import('../token-explain.ts')).explainToken(file, configFlags(command), context)),
  )
  addConfigFlags(
    tokens
      .command('revoke <id>')
      .description(
        'end a token: by its id or as a whole, as somebody found it; no request after this has it',
      ),
    ['config', 'dataDir'],
  ).action(async (id, _options, command) =>
    done(await (await import('../token-revoke.ts')).revokeToken(id, configFlags(command), context)),
  )
}
