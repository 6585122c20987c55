/** The part of yazl that the tests use, which comes without types. */
declare module 'yazl' {
  export class ZipFile {
    readonly outputStream: AsyncIterable<Uint8Array>
    addBuffer(buffer: Buffer, path: string, options: { compress?: boolean; forceZip64Format?: boolean }): void
    end(options: { forceZip64Format?: boolean }): void
  }
}
