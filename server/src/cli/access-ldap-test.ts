import type { Flags } from '../config/settings.ts'
import { ModsteadError } from '../errors.ts'
import { type CommandContext, EXIT } from './context.ts'
import { readConfig } from './read-config.ts'

/**
 * `modstead access ldap test`: asks each server of the directory as a sign-in and a sync would, and tells step by step
 * what it said. Exit code 1 where a step failed. Throws `config_invalid` where no directory is configured.
 */
export async function testLdap(
  { user }: { user?: string },
  flags: Flags,
  context: CommandContext,
): Promise<number> {
  const { config } = await readConfig(context, flags)
  const ldap = config.access?.ldap
  if (ldap === undefined)
    throw new ModsteadError('config_invalid', 'the configuration names no directory', {
      next: 'set access.ldap: docs/ldap.md tells how',
    })
  const { examineDirectory } = await import('../origin/ldap/examine.ts')
  const examinations = await examineDirectory(ldap, user)
  for (const { url, steps, failure } of examinations) {
    const lines = [url, ...steps.map(([what, found]) => `  ${what}: ${clean(found)}`)]
    if (failure !== undefined) lines.push(`  failed: ${clean(failure.message)}`)
    if (failure?.next !== undefined) lines.push(`  next: ${failure.next}`)
    context.stdout.write(`${lines.join('\n')}\n`)
  }
  return examinations.every(({ failure }) => failure === undefined) ? EXIT.ok : EXIT.failure
}

/** What a directory says may hold anything; a terminal gets one line of it. */
function clean(text: string): string {
  return text.replace(/\p{Cc}/gu, '?')
}
