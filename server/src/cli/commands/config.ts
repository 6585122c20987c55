import { addConfigFlags, configFlags } from '../config-flags.ts'
import type { CommandLine } from './command-line.ts'

/** `modstead config check|show|schema`. */
export function describeConfigCommands({ program, context, done }: CommandLine): void {
  const config = program.command('config').description('check, show or describe the configuration')
  addConfigFlags(config.command('check [file]').description('find mistakes and say where they are')).action(
    async (file, _, command) =>
      done(
        await (await import('../config-check.ts')).checkConfig(withFile(configFlags(command), file), context),
      ),
  )
  addConfigFlags(config.command('show [file]').description('print what is in effect, without secrets'))
    .option('--json', 'as JSON')
    .action(async (file, options, command) =>
      done(
        await (
          await import('../config-show.ts')
        ).showConfig(withFile(configFlags(command), file), options.json, context),
      ),
    )
  config
    .command('schema')
    .description('print the JSON Schema of configuration files')
    .action(async () => done((await import('../config-schema.ts')).printSchema(context)))
}

function withFile<Flags extends object>(flags: Flags, file: string | undefined): Flags {
  return file === undefined ? flags : { ...flags, config: file }
}
