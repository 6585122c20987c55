import type { Stats } from 'node:fs'
import { ModsteadError } from '../errors.ts'
import type { StoredFile } from '../proxy/answer.ts'
import { storeError } from '../disk-errors.ts'
import { type FileSystem, type OpenFile } from './file-system.ts'

/** Bytes read from the disk at a time when a file is streamed. */
const CHUNK = 256 << 10

/** A file of the store as readers see it. Its contents are immutable, so its size is known for ever. */
export function createStoredFile(
  files: Pick<FileSystem, 'open'>,
  path: string,
  { size, mtime }: Pick<Stats, 'size' | 'mtime'>,
): StoredFile {
  /** Fills `buffer` from `position`. A file that ends early was changed by somebody else. */
  async function fill(file: OpenFile, buffer: Buffer, position: number): Promise<void> {
    for (let done = 0; done < buffer.length;) {
      const { bytesRead } = await file.read(buffer, done, buffer.length - done, position + done)
      if (bytesRead === 0) {
        throw new ModsteadError('store_unavailable', 'a stored file became shorter while it was read', {
          next: 'Nothing but modstead may change files in its data folder.',
          cause: new Error(path),
        })
      }
      done += bytesRead
    }
  }

  return {
    size,
    modified: mtime,
    path,
    async bytes() {
      try {
        const buffer = Buffer.allocUnsafeSlow(size)
        const file = await files.open(path, 'r')
        try {
          await fill(file, buffer, 0)
        } finally {
          await file.close()
        }
        return buffer
      } catch (error) {
        throw storeError(error, 'read a stored file')
      }
    },
    async *stream(start, end) {
      try {
        const file = await files.open(path, 'r')
        try {
          for (let position = start; position < end;) {
            // A new buffer each time: readers may keep what they were given.
            const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK, end - position))
            await fill(file, buffer, position)
            position += buffer.length
            yield buffer
          }
        } finally {
          await file.close()
        }
      } catch (error) {
        throw storeError(error, 'read a stored file')
      }
    },
  }
}
