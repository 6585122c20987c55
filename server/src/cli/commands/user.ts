import { addConfigFlags, configFlags } from '../config-flags.ts'
import type { CommandLine } from './command-line.ts'

const NOTES = `
The file is that of access.htpasswd in the configuration, or of --file. A running server takes what has changed within a
second. docs/access.md tells more.

Examples:
  modstead user set alice                            asks for the password, twice
  pass show modstead/alice | modstead user set alice
  modstead user set alice --password-file /run/secrets/alice
  modstead user list
  modstead user remove alice --revoke-tokens         and her access tokens and sessions`

/** `modstead user set|list|remove`. */
export function describeUserCommands({ program, context, done }: CommandLine): void {
  const users = program
    .command('user')
    .description('give users passwords, list and remove them')
    .addHelpText('after', NOTES)
  const file = 'the htpasswd file (default: access.htpasswd of the configuration)'
  const tenant = 'the tenant whose users they are (default: those of the server outside its tenants)'
  addConfigFlags(
    users
      .command('set <name>')
      .description('set the password of a user: typed, piped in, or from a file, and never an argument')
      .option('--file <file>', `${file}; it is made where it is missing`)
      .option('--tenant <name>', tenant)
      .option('--password-file <file>', 'a file with the password as its only line')
      .option('--weak', 'take a password that is easily guessed, too')
      .addHelpText('after', NOTES),
    ['config', 'dataDir'],
  ).action(async (name, options, command) =>
    done(await (await import('../user/set.ts')).setUser(name, options, configFlags(command), context)),
  )
  addConfigFlags(
    users
      .command('list')
      .description('list who has a password, and the lines of the file that cannot be used')
      .option('--file <file>', file)
      .option('--tenant <name>', tenant)
      .option('--json', 'as JSON'),
    ['config'],
  ).action(async (options, command) =>
    done(await (await import('../user/list.ts')).listUsers(options, configFlags(command), context)),
  )
  addConfigFlags(
    users
      .command('remove <name>')
      .description('take away the password of a user, and tell which access tokens are left')
      .option('--file <file>', file)
      .option('--tenant <name>', tenant)
      .option('--revoke-tokens', 'revoke the access tokens and end the sessions of the user, too'),
    ['config', 'dataDir'],
  ).action(async (name, options, command) =>
    done(await (await import('../user/remove.ts')).removeUser(name, options, configFlags(command), context)),
  )
}
