import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The module files in a data folder's trees, public and private: paths like `/example.com/a/@v/v1.0.0.zip` and their
 * bytes. What is derived or temporary is not among them.
 */
export async function storedFiles(dataDir: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  for (const entry of await readdir(dataDir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name).slice(dataDir.length)
    const found = /^\/(?:public|realms\/[^/]+)(\/.+\/@v\/[^/]+\.(?:info|mod|zip))$/.exec(path)
    if (entry.isFile() && found !== null) files.set(found[1]!, await readFile(join(dataDir, path)))
  }
  return files
}
