/** Where the audit log is kept. Failures of the medium are `store_unavailable`. */
export interface AuditFiles {
  /** For messages: the path of the folder. */
  readonly where: string
  /** Segments by number, in order, with their sizes in bytes. */
  segments(): Promise<{ number: number; bytes: number }[]>
  /** At most `most` bytes of a segment from `at`; fewer at its end, none beyond it or where it is not there. */
  read(segment: number, at: number, most: number): Promise<Buffer>
  /** Opens a segment for writing, made where it is not there, and cut to `bytes`. */
  open(segment: number, bytes: number): Promise<SegmentFile>
  remove(segment: number): Promise<void>
  /** A small file of the folder; `undefined` where it is not there. */
  readSmall(name: string): Promise<string | undefined>
  /** Writes a small file as a whole, or not at all. */
  writeSmall(name: string, text: string): Promise<void>
  /** What other processes left to be recorded, oldest first: names and contents. */
  inbox(): Promise<{ name: string; text: string }[]>
  taken(name: string): Promise<void>
  leave(name: string, text: string): Promise<void>
  /** Keeps what no sink takes, in a file of a folder of its own. Gives its path, for messages. */
  putAside(name: string, text: string): Promise<string>
}

export interface SegmentFile {
  /** Writes all of it at a position: what is there is written over. */
  write(bytes: Uint8Array, at: number): Promise<void>
  sync(): Promise<void>
  close(): Promise<void>
}

/** The newest checkpoint. */
export const HEAD_FILE = 'head'
/** A signer key of the log's own, and the verifier key that belongs to it. */
export const KEY_FILE = 'key'
export const VERIFIER_FILE = 'key.pub'
