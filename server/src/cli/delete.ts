import { GomodError } from '@modstead/gomod/error'
import { checkPath, escapePath } from '@modstead/gomod/path'
import { checkVersion, escapeVersion } from '@modstead/gomod/version'
import { ModsteadError } from '../errors.ts'
import { type CommandContext, EXIT } from './context.ts'
import { askRemote, type RemoteFlags } from './remote.ts'

export interface DeleteFlags extends RemoteFlags {
  reason: string
}

/** `modstead delete`: deletes one version of a module from a modstead, for good. */
export async function deleteVersion(
  name: string,
  flags: DeleteFlags,
  context: CommandContext,
): Promise<number> {
  const path = pathOf(name)
  const answer = await askRemote(
    flags,
    // Headers are bytes, which Node takes as latin1.
    {
      method: 'DELETE',
      path,
      headers: { 'Modstead-Reason': Buffer.from(oneLine(flags.reason)).toString('latin1') },
    },
    context,
  )
  context.stdout.write(answer)
  return EXIT.ok
}

function pathOf(name: string): string {
  const [module = '', version = '', ...rest] = name.split('@')
  try {
    if (rest.length > 0) throw new GomodError('invalid_version', 'there is more than one @')
    checkPath(module)
    checkVersion(module, version)
    return `/${escapePath(module)}/@v/${escapeVersion(version)}`
  } catch (error) {
    if (!(error instanceof GomodError)) throw error
    throw new ModsteadError(
      'config_invalid',
      `${JSON.stringify(name)} does not name one version: ${error.message}`,
      {
        next: 'write it as in go.corp.example/lib@v1.2.3',
      },
    )
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/gu, ' ').trim()
}
