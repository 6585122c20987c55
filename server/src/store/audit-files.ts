import { join } from 'node:path'
import type { AuditFiles } from '../audit/files.ts'
import { segmentName, segmentNumber } from '../audit/chain.ts'
import { absentAs, errorCode, storeError } from '../disk-errors.ts'
import { syncFolder } from './durable.ts'
import { type FileSystem, localFileSystem, type OpenFile } from './file-system.ts'

const INBOX = 'inbox'
const REJECTED = 'rejected'
/** Files of the inbox that are read at a time, and the largest of them. Bytes. */
const MOST = 1000
const LARGEST = 64 << 10

/** The audit log in a folder of its own, which only modstead's user can read, and which is made where it is not there. */
export async function openAuditFiles(
  folder: string,
  { files = localFileSystem }: { files?: FileSystem } = {},
): Promise<AuditFiles> {
  try {
    await files.mkdir(join(folder, INBOX), { recursive: true, mode: 0o700 })
  } catch (error) {
    throw storeError(error, 'make the folder of its audit log')
  }
  return auditFilesIn(folder, { files })
}

/** The same where the folder is known to be there. */
export function auditFilesIn(
  folder: string,
  { files = localFileSystem }: { files?: FileSystem } = {},
): AuditFiles {
  const path = (name: string) => join(folder, name)
  const guarded = async <T>(doing: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw storeError(error, `${doing} its audit log`)
    }
  }
  let written = 0

  async function replace(name: string, text: string, owner?: { uid: number; gid: number }): Promise<void> {
    const temporary = `${path(name)}.${process.pid}-${++written}.tmp`
    try {
      const file = await files.open(temporary, 'w', 0o600)
      try {
        await writeAll(file, Buffer.from(text), 0)
        if (owner !== undefined) await giveTo(file, owner)
        await file.datasync()
      } finally {
        await file.close()
      }
      await files.rename(temporary, path(name))
    } catch (error) {
      // The failure that led here is the one that is told.
      await files.unlink(temporary).catch(() => undefined)
      throw error
    }
  }

  return {
    where: folder,
    segments: () =>
      guarded('list', async () => {
        const names = await files.readdir(folder)
        const found = names.flatMap((name) => segmentNumber(name) ?? []).sort((a, b) => a - b)
        return Promise.all(
          found.map(async (number) => {
            const { size } = await files.stat(path(segmentName(number)))
            return { number, bytes: size }
          }),
        )
      }),
    read: (segment, at, most) =>
      guarded('read', async () => {
        const file = await files.open(path(segmentName(segment)), 'r').catch(absentAs(undefined))
        if (file === undefined) return Buffer.alloc(0)
        try {
          const { size } = await file.stat()
          const buffer = Buffer.alloc(Math.max(0, Math.min(most, size - at)))
          let length = 0
          while (length < buffer.length) {
            const { bytesRead } = await file.read(buffer, length, buffer.length - length, at + length)
            if (bytesRead === 0) break
            length += bytesRead
          }
          return buffer.subarray(0, length)
        } finally {
          await file.close()
        }
      }),
    open: (segment, bytes) =>
      guarded('open', async () => {
        const name = path(segmentName(segment))
        const made = await files.open(name, 'r+').catch(absentAs(undefined))
        const file = made ?? (await files.open(name, 'wx+', 0o600))
        await file.truncate(bytes)
        if (made === undefined) await syncFolder(files, folder)
        return {
          write: (data, at) => guarded('write', () => writeAll(file, data, at)),
          sync: () => guarded('write', () => file.datasync()),
          close: () => guarded('close', () => file.close()),
        }
      }),
    remove: (segment) => guarded('delete from', () => files.unlink(path(segmentName(segment)))),
    readSmall: (name) =>
      guarded('read', async () => {
        const bytes = await files.readFile(path(name)).catch(absentAs(undefined))
        return bytes?.toString()
      }),
    writeSmall: (name, text) => guarded('write', () => replace(name, text)),
    inbox: () =>
      guarded('read what is to be recorded in', async () => {
        const names = (await files.readdir(join(folder, INBOX))).filter((name) => /^[0-9A-Z]{26}$/.test(name))
        const all = names
          .sort()
          .slice(0, MOST)
          .map(async (name) => {
            const { size } = await files.stat(join(folder, INBOX, name))
            const text = size > LARGEST ? '' : (await files.readFile(join(folder, INBOX, name))).toString()
            return { name, text }
          })
        return Promise.all(all)
      }),
    taken: (name) =>
      guarded('clear', () =>
        files.unlink(join(folder, INBOX, name)).catch((error: unknown) => {
          if (errorCode(error) !== 'ENOENT') throw error
        }),
      ),
    putAside: (name, text) =>
      guarded('write', async () => {
        await files.mkdir(path(REJECTED), { recursive: true, mode: 0o700 })
        await replace(join(REJECTED, name), text)
        return path(join(REJECTED, name))
      }),
    // By a command, which root may run: the server, as the owner of the folder, is to read it.
    leave: (name, text) =>
      guarded('write', async () => replace(join(INBOX, name), text, await files.stat(join(folder, INBOX)))),
  }
}

async function giveTo(file: OpenFile, owner: { uid: number; gid: number }): Promise<void> {
  const { uid } = await file.stat()
  if (uid !== owner.uid) await file.chown(owner.uid, owner.gid)
}

/** Writes all of `bytes`: one call to the system may write less. */
async function writeAll(file: OpenFile, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done)
    done += bytesWritten
  }
}
