import { addConfigFlags, configFlags } from '../config-flags.ts'
import type { CommandLine } from './command-line.ts'

/** `modstead access ldap test`. */
export function describeAccessCommands({ program, context, done }: CommandLine): void {
  const access = program.command('access').description('find out why somebody is let in, or not')
  const ldap = access.command('ldap').description('the directory of users and groups')
  addConfigFlags(
    ldap
      .command('test')
      .description('ask the directory as a sign-in would, and tell each step')
      .option('--user <name>', 'look for this user, and for the groups of that'),
    ['config'],
  ).action(async (options, command) =>
    done(await (await import('../access-ldap-test.ts')).testLdap(options, configFlags(command), context)),
  )
}
