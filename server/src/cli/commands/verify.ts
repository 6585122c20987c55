import type { CommandLine } from './command-line.ts'

const NOTES = `
It compares the go.sum (and go.work.sum) of a project and the module cache of this machine with the checksum database,
says for each difference who is wrong and what to do, and changes nothing. The settings are those of \`go\`: GOSUMDB,
GOPROXY, GOPRIVATE, GONOPROXY, GONOSUMDB, GOMODCACHE. Private names are sent to no public database and to no proxy of
GOPROXY; only --to and --sumdb name something that may hear of them.

Examples:
  modstead verify                                    the project in this folder
  modstead verify --cache                            and every version in the module cache
  modstead verify --offline --json go.sum            with what \`go\` has kept of the database, for a program
  modstead verify --to https://go.corp.example       private modules with what that modstead has, too
  modstead verify --sumdb "sum.corp.example+0a1b2c3d+ASkey https://go.corp.example"

Exit codes: 0 all agree, 1 there are differences, 2 wrong usage or settings, 3 something could not be compared.`

/** `modstead verify`. */
export function describeVerify({ program, context, done }: CommandLine): void {
  program
    .command('verify [go.sum|dir]')
    .description('compare go.sum and the module cache with the checksum database')
    .option('--cache', 'every version in the module cache, not only those of go.sum')
    .option('--to <url>', 'a modstead, as in GOPROXY, to compare with what the database does not prove')
    .option('--download', 'compare the files of that modstead, or of GOPROXY, for every version')
    .option('--sumdb <key>', 'a checksum database of your own, as in GOSUMDB, that covers private modules')
    .option('--offline', 'ask nobody over the network')
    .option('--json', 'as JSON')
    .addHelpText('after', NOTES)
    .action(async (target, options) =>
      done(await (await import('../verify.ts')).verifyModules(target, options, context)),
    )
}
