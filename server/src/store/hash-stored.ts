import { readFile, stat } from 'node:fs/promises'
import { hashGoMod } from '@modstead/gomod/dirhash'
import { isNothingThere, storeError } from '../disk-errors.ts'
import type { StoreKey } from '../proxy/store.ts'
import { hashStoredZip } from './hash-zip.ts'
import { filePath, type TreeRoots } from './layout.ts'

/**
 * The hash of a stored `.zip` or `.mod` file as its bytes are now, read a part at a time; `undefined` where it is not
 * stored. Nothing is locked: files never change once they are there. Throws `store_unavailable` for a zip that is
 * damaged, and when the disk fails.
 */
export async function hashStored(
  roots: TreeRoots,
  key: StoreKey & { kind: 'zip' | 'mod' },
): Promise<string | undefined> {
  const path = filePath(roots, key)
  try {
    if (key.kind === 'mod') return hashGoMod(await readFile(path))
    const { size } = await stat(path)
    return await hashStoredZip(path, size, key)
  } catch (error) {
    if (isNothingThere(error)) return undefined
    throw storeError(error, `read the stored ${key.kind} file of ${key.module}@${key.version}`)
  }
}
