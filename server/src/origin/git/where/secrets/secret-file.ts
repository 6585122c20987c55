import { readFile } from 'node:fs/promises'
import type { Secret } from '../../../../config/config.ts'
import { failure, type Peer } from '../../../failures.ts'

/**
 * The secret itself. A file is read each time, so that a rotated secret counts at once: it is small, and what needs it
 * is rare. One line break at its end is not part of it. Throws `upstream_refused` for a file that cannot be read or is
 * empty.
 */
export async function readSecret(secret: Secret, peer: Peer, entry: string): Promise<string> {
  if ('text' in secret) return secret.text
  const text = (await readSecretFile(secret.file, peer, entry)).replace(/\r?\n$/, '')
  if (text !== '') return text
  throw failure('upstream_refused', peer, `was not asked, for the file of ${entry} is empty`, {
    next: `put the secret into ${secret.file}`,
  })
}

export async function readSecretFile(file: string, peer: Peer, entry: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw failure('upstream_refused', peer, `was not asked, for a file of ${entry} cannot be read`, {
      cause,
      next: `make ${file} readable for modstead, or correct the credentials of the origin`,
    })
  }
}
