import { closeSync, openSync, readSync } from 'node:fs'
import { verifyModuleZip } from '@modstead/gomod/zip/check'
import { ModsteadError } from '../errors.ts'
import type { StoreKey } from '../proxy/store.ts'

/**
 * The dirhash of a stored zip, computed in this thread: for tools and for the rare case, not for serving. `size` is
 * that of the file in bytes. Throws `store_unavailable` when the file is not the module zip it should be.
 */
export async function hashStoredZip(
  path: string,
  size: number,
  { module, version }: StoreKey,
): Promise<string> {
  const file = openSync(path, 'r')
  try {
    const read = (offset: number, length: number): Uint8Array => {
      const buffer = Buffer.allocUnsafe(length)
      return buffer.subarray(0, readSync(file, buffer, 0, length, offset))
    }
    return (await verifyModuleZip({ size, read }, { path: module, version })).h1
  } catch (error) {
    throw new ModsteadError('store_unavailable', `the stored zip of ${module}@${version} is damaged`, {
      cause: error,
      next: `Delete the file ${version}.zip of the module in the data folder: modstead fetches it again.`,
    })
  } finally {
    closeSync(file)
  }
}
