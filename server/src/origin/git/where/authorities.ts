import { readFile, writeFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { getCACertificates } from 'node:tls'
import { storeError } from '../../../disk-errors.ts'

/** The authorities that git trusts: the same as our own connections do. */
export interface Authorities {
  /** A PEM file with those of Node, of the system, and of the file `ca`. */
  bundle(ca: string | undefined): Promise<string>
}

/** Bundles are written into `folder`, each once for its contents. */
export function createAuthorities(folder: string): Authorities {
  const written = new Map<string, Promise<string>>()
  let shared: string[] | undefined

  async function write(contents: string, name: string): Promise<string> {
    const path = join(folder, `authorities-${name}.pem`)
    await writeFile(path, contents)
    return path
  }

  return {
    async bundle(ca) {
      shared ??= [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]
      // Read each time, so that a renewed file counts at once.
      const extra = ca === undefined ? [] : [await readFile(ca, 'utf8')]
      const contents = [...shared, ...extra].join('\n')
      const name = createHash('sha256').update(contents).digest('hex').slice(0, 16)
      const known = written.get(name) ?? write(contents, name)
      written.set(name, known)
      return known.catch((error: unknown) => {
        written.delete(name)
        throw storeError(error, 'write down the authorities that git trusts')
      })
    },
  }
}
