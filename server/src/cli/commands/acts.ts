import { addConfigFlags, configFlags } from '../config-flags.ts'
import type { CommandLine } from './command-line.ts'

/** `modstead acts list`. */
export function describeActs({ program, context, done }: CommandLine): void {
  const acts = program.command('acts').description('what was published and deleted')
  addConfigFlags(
    acts
      .command('list')
      .description('list it from the data folder, the newest first, also while a server runs on that')
      .option('--limit <number>', 'how many at most, up to 200 (default: 50)')
      .option('--before <id>', 'only those before this act')
      .option('--json', 'as JSON'),
    ['config', 'dataDir'],
  ).action(async (options, command) =>
    done(await (await import('../acts-list.ts')).listActs(options, configFlags(command), context)),
  )
}
