import type { Command } from 'commander'
import { SETTINGS, flagName, type Flags } from '../config/settings.ts'

/** How `--help` writes each flag: its value, and what it does. */
const WORDS: Record<keyof Flags, [value: string, description: string]> = {
  config: ['<file>', 'configuration file (default: ./modstead.yaml where there is one)'],
  listen: ['<address>', 'HOST:PORT, :PORT or unix:PATH, several with commas (default: 127.0.0.1:6637)'],
  publicUrl: ['<url>', 'how clients reach modstead (default: the listen address)'],
  pathPrefix: ['<path>', 'serve modules below this path'],
  dataDir: ['<folder>', 'where everything is stored (default: ./modstead-data)'],
  memory: ['<size>', 'ready answers kept in memory (default: 128MiB)'],
  upstream: ['<list>', 'where modules come from, as in GOPROXY (default: what `go` uses)'],
  logLevel: ['<level>', 'debug, info, warn or error (default: info)'],
  logFormat: ['<format>', 'auto, json or text (default: auto)'],
  logRequests: ['', 'log every request'],
  shutdownGrace: ['<duration>', 'how long requests may take to finish at the end (default: 20s)'],
}

/** Adds the flags that stand for configuration keys, all of them unless `only` some mean anything to a command. */
export function addConfigFlags(
  command: Command,
  only: readonly (keyof Flags)[] = SETTINGS.map(({ flag }) => flag),
): Command {
  for (const flag of only) {
    const [value, description] = WORDS[flag]
    command.option(`${flagName(flag)} ${value}`.trim(), description)
  }
  return command
}

/** Those of the flags that were given. commander has no text for a flag without a value. */
export function configFlags(
  command: Command,
  only: readonly (keyof Flags)[] = SETTINGS.map(({ flag }) => flag),
): Flags {
  const given = command.opts<Record<string, string | true>>()
  const flags = only.map((flag) => [flag, given[flag]] as const).filter(([, value]) => value !== undefined)
  return Object.fromEntries(flags.map(([flag, value]) => [flag, String(value)]))
}
