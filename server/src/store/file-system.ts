import * as promises from 'node:fs/promises'

/**
 * What the store asks of a file system: a part of `node:fs/promises`. Tests hand in one that fails where a real disk
 * cannot be made to.
 */
export type FileSystem = Pick<
  typeof promises,
  'link' | 'mkdir' | 'open' | 'readdir' | 'readFile' | 'rename' | 'stat' | 'unlink'
>

export type OpenFile = Awaited<ReturnType<FileSystem['open']>>

export const localFileSystem: FileSystem = promises
