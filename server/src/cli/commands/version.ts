import type { CommandLine } from './command-line.ts'

/** `modstead version`. */
export function describeVersion({ program, context, done }: CommandLine): void {
  program
    .command('version')
    .description('print the versions of modstead and Node.js')
    .option('--json', 'as JSON')
    .action(async (options) => done((await import('../version.ts')).printVersion(options.json, context)))
}
