import { GomodError } from '@modstead/gomod/error'
import { parseSignerKey } from '@modstead/gomod/note'

/** What the file system tells of a file or folder. */
export interface FileFacts {
  /** Type and permissions, as stat(2) gives them. */
  mode: number
  /** The device it is on. */
  dev: number
}

/** What is wrong with `text` as a signer key: a sentence that never holds it; undefined where it is one. */
export function signerKeyProblem(text: string): string | undefined {
  if (/^[^\s+]+\+[0-9a-fA-F]{8}\+A[\w+/]+=*$/.test(text) && !text.startsWith('PRIVATE'))
    return 'this is a verifier key, which everybody may know: expected the signer key, which begins with PRIVATE+KEY+'
  try {
    parseSignerKey(text)
    return undefined
  } catch (error) {
    if (error instanceof GomodError) return error.message
    throw error
  }
}

/**
 * A sentence where others than its owner may read or change the key file `path`. Windows has no such bits: what node
 * gives for them there says nothing.
 */
export function keyFileProblem(
  path: string,
  { mode }: Pick<FileFacts, 'mode'>,
  platform: NodeJS.Platform,
): string | undefined {
  if (platform === 'win32' || (mode & 0o077) === 0) return undefined
  const bits = (mode & 0o777).toString(8).padStart(4, '0')
  return `others may read or change the key in ${path} (mode ${bits}); run: chmod 600 ${shellWord(path)}`
}

/** `text` as one word of a shell. */
export function shellWord(text: string): string {
  return /^[\w./,:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
