/** The part of yauzl that the tests use, which comes without types. */
declare module 'yauzl' {
  import type { Readable } from 'node:stream'

  export interface Entry {
    /** A Buffer when `decodeStrings` is false. */
    readonly fileName: Buffer
  }

  export interface ZipFile {
    eachEntry(): AsyncIterable<Entry>
    openReadStreamPromise(entry: Entry): Promise<Readable>
  }

  export function fromBufferPromise(buffer: Buffer, options: { decodeStrings: false }): Promise<ZipFile>
}
