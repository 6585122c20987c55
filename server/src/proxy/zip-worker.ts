import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import { verifyModuleZip } from '@modstead/gomod/zip/check'

export interface ZipTask {
  /** Local path of the complete zip. */
  path: string
  module: ModulePath
  version: Version
  /** The go.mod in it is wanted too. */
  goMod: boolean
}

export type ZipVerdict = { h1: string; goMod?: Uint8Array } | { code: string; message: string }

/** Runs in a worker thread. Errors travel as data, because an error's code does not survive structured cloning. */
export async function checkZipFile(task: ZipTask): Promise<ZipVerdict> {
  const file = openSync(task.path, 'r')
  try {
    let buffer = Buffer.alloc(0)
    const source = {
      size: fstatSync(file).size,
      read(offset: number, length: number): Uint8Array {
        // The reader of zips is done with one piece before it asks for the next.
        if (buffer.length < length) buffer = Buffer.allocUnsafeSlow(length)
        return buffer.subarray(0, readSync(file, buffer, 0, length, offset))
      },
    }
    const { h1, goMod } = await verifyModuleZip(source, { path: task.module, version: task.version })
    return task.goMod && goMod !== undefined ? { h1, goMod } : { h1 }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return { code: 'code' in error ? String(error.code) : 'internal', message: error.message }
  } finally {
    closeSync(file)
  }
}
