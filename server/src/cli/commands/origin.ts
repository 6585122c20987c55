import { addConfigFlags, configFlags } from '../config-flags.ts'
import type { CommandLine } from './command-line.ts'

/** `modstead origin test`. */
export function describeOriginCommands({ program, context, done }: CommandLine): void {
  const origin = program.command('origin').description('ask the origins of modules')
  addConfigFlags(
    origin
      .command('test <module>')
      .description('tell where a module comes from, with which credentials, and what the server said'),
    ['config', 'upstream'],
  ).action(async (module, _, command) =>
    done(await (await import('../origin-test.ts')).testOrigins(module, configFlags(command), context)),
  )
}
