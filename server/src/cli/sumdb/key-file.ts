import { readFile, stat } from 'node:fs/promises'
import { describeFileError } from '../../config/file-errors.ts'
import { keyFileProblem, signerKeyProblem } from '../../config/signer-key.ts'
import { ModsteadError } from '../../errors.ts'

/**
 * The signer key in a file that `modstead sumdb init` made. Throws `config_invalid` where there is none, and where
 * others than its owner may read or change the file.
 */
export async function readKeyFile(path: string): Promise<string> {
  const [facts, text] = await Promise.all([stat(path), readFile(path, 'utf8')]).catch((cause: unknown) => {
    throw new ModsteadError('config_invalid', describeFileError(path, cause), {
      next: 'name a file that "modstead sumdb init" made, as its owner',
      cause,
    })
  })
  const exposed = keyFileProblem(path, facts, process.platform)
  if (exposed !== undefined)
    throw new ModsteadError('config_invalid', exposed, {
      next: 'if anybody may have read it, replace the key: docs/checksum-database.md',
    })
  const key = text.trim()
  const problem = signerKeyProblem(key)
  if (problem === undefined) return key
  throw new ModsteadError('config_invalid', `${path}: ${problem}`, {
    next: 'name a file that "modstead sumdb init" made',
  })
}
