import { addConfigFlags, configFlags } from '../config-flags.ts'
import type { CommandLine } from './command-line.ts'

const NOTES = `
The version promoted last is what STABLE in the map of versions means, and what the query stable gives. Promoting an
older one takes a promotion back. docs/tenants.md tells more.

Examples:
  modstead promote corp.example/lib@v1.4.2 --tenant acme --note "passed the tests"`

/** `modstead promote`. */
export function describePromote({ program, context, done }: CommandLine): void {
  addConfigFlags(
    program
      .command('promote <version>')
      .description('make MODULE@VERSION the stable version of its module, on the machine of the server')
      .option('--tenant <name>', 'for this tenant (default: the server outside its tenants)')
      .option('--note <text>', 'why, in one line')
      .option('--force', 'also a version that was never seen here')
      .addHelpText('after', NOTES),
    ['config', 'dataDir'],
  ).action(async (version, options, command) =>
    done(await (await import('../promote.ts')).promote(version, options, configFlags(command), context)),
  )
}
