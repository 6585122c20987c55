import { spawn } from 'node:child_process'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { collect, type CommandResult, ENTRY } from './command.ts'

export interface DocumentedOptions {
  /** Below docs/. */
  page: string
  /** The heading under which the commands stand, without its `#`. */
  heading: string
  /** Which block of commands under it; the first is 0. */
  block?: number
  /** What stands in the page, and what it is here. */
  places: Record<string, string>
  /** A folder for a `modstead` that the shell finds. */
  desk: string
  env: Record<string, string>
}

/** Runs a block of commands of the documentation in a shell, word for word but for places and keys. */
export async function runDocumented(options: DocumentedOptions): Promise<CommandResult> {
  const { page, heading, block = 0, places, desk, env } = options
  const text = await readFile(fileURLToPath(new URL(`../../docs/${page}`, import.meta.url)), 'utf8')
  const [, section] = text.split(new RegExp(`^#+ ${heading}$`, 'm'))
  const blocks = Array.from((section ?? '').matchAll(/^```sh\n(.*?)^```$/gms), ([, commands]) => commands!)
  let commands = blocks[block]
  if (commands === undefined) throw new Error(`${page} has no block ${block} of commands under "${heading}"`)
  for (const [there, here] of Object.entries(places)) commands = commands.replaceAll(there, here)
  const bin = join(desk, 'bin')
  await mkdir(bin, { recursive: true })
  await writeFile(join(bin, 'modstead'), `#!/bin/sh\nexec "${process.execPath}" "${ENTRY}" "$@"\n`)
  await chmod(join(bin, 'modstead'), 0o755)
  return collect(
    spawn('sh', ['-e', '-c', commands], {
      cwd: desk,
      env: { PATH: `${bin}:${process.env.PATH}`, HOME: desk, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
}
