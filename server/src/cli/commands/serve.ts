import { addConfigFlags, configFlags } from '../config-flags.ts'
import type { CommandLine } from './command-line.ts'

const NOTES = `
Every flag has an environment variable, such as MODSTEAD_DATA_DIR for --data-dir; flags win over variables, variables
over the file. All keys of the file: docs/configuration.md, or \`modstead config schema\`.

SIGTERM and SIGINT stop it: nothing new is accepted, running requests may finish within --shutdown-grace, and the exit
code is 0. A second signal, half a second later or more, ends it at once with 1.

Examples:
  modstead serve --config /etc/modstead.yaml
  modstead serve --listen unix:/run/modstead.sock --public-url https://go.corp.example
  modstead serve --upstream "https://proxy.golang.org|https://goproxy.io"`

/** `modstead serve`. */
export function describeServe({ program, context, done }: CommandLine): void {
  addConfigFlags(program.command('serve').description('run the server').addHelpText('after', NOTES)).action(
    async (_, command) => done(await (await import('../serve.ts')).serve(configFlags(command), context)),
  )
}
