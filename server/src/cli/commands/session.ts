import { addConfigFlags, configFlags } from '../config-flags.ts'
import type { CommandLine } from './command-line.ts'

const NOTES = `
All of it happens in the data folder of the configuration on this machine, whether a server runs on it or not.
docs/sign-in.md tells what begins a session.

Examples:
  modstead session list --for user:alice
  modstead session end 8Fh2kQ0zLm4T
  modstead session end --for user:alice              of everything she signed in with`

/** `modstead session list|end`. */
export function describeSessionCommands({ program, context, done }: CommandLine): void {
  const sessions = program
    .command('session')
    .description('list and end the sessions of who signed in')
    .addHelpText('after', NOTES)
  const whose = 'of whom: user:NAME, service:NAME or workload:NAME'
  const tenant = 'of which tenant (default: of the server outside its tenants)'
  addConfigFlags(
    sessions
      .command('list')
      .description('list them, those that end first come first')
      .option('--for <subject>', whose)
      .option('--tenant <name>', 'of which tenant (default: of all, and of the server outside them)')
      .option('--json', 'as JSON'),
    ['config', 'dataDir'],
  ).action(async (options, command) =>
    done(await (await import('../session.ts')).listSessions(options, configFlags(command), context)),
  )
  addConfigFlags(
    sessions
      .command('end [id]')
      .description('end one, or all of somebody; no request after this gets in with their tokens')
      .option('--for <subject>', whose)
      .option('--tenant <name>', tenant),
    ['config', 'dataDir'],
  ).action(async (id, options, command) =>
    done(await (await import('../session.ts')).endSessions(id, options, configFlags(command), context)),
  )
}
