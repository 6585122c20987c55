import type { OriginOptions, Validators, ZipSource } from '../proxy/origin.ts'
import type { Peer } from './failures.ts'

/** A small file, read whole. */
export interface SmallFile {
  bytes: Buffer
  validators?: Validators
}

export interface ReadOptions extends OriginOptions {
  /** Largest file accepted, in bytes. */
  limit: number
  since?: Validators
}

/**
 * A tree of files in the layout of the GOPROXY protocol, somewhere else. Failures are those of `Origin`.
 * `path` is relative, without a leading slash, and not percent-encoded: `github.com/!azure/x/@v/list`.
 */
export interface FileTree {
  readonly kind: 'http' | 'file'
  /** Where it is, for messages. */
  readonly peer: Peer
  /** `unchanged` only where `since` was given. */
  read(path: string, options: ReadOptions): Promise<SmallFile | 'unchanged'>
  stream(path: string, options: OriginOptions & { limit: number }): Promise<ZipSource>
  close(): Promise<void>
}
