import { createHash } from 'node:crypto'
import type { Answer } from '../proxy/answer.ts'

/** Everything about a file but its bytes, as its answers carry it. */
export interface FileFacts {
  contentType: string
  cacheControl: string
  /** Bytes; absent while it is not known. */
  size?: number | undefined
  /** A strong entity tag, with its quotes. */
  etag?: string | undefined
  /** Milliseconds since the epoch, a whole second. */
  modified?: number | undefined
  ranges: boolean
  module?: string | undefined
}

/** The facts once the size is known, which the answering of conditions and ranges needs. */
export type SizedFacts = FileFacts & { size: number }

/** The facts of an answer of the proxy room, of `size` bytes where that is known. */
export function factsOf(answer: Answer, size: number | undefined): FileFacts {
  const { sha256 } = answer
  return {
    contentType: answer.contentType,
    cacheControl: cacheControl(answer.life, answer.private),
    size,
    etag: sha256 === undefined ? undefined : `"${sha256}"`,
    modified: answer.modified && Math.floor(answer.modified.getTime() / 1000) * 1000,
    ranges: answer.contentType === 'application/zip',
    module: answer.module,
  }
}

/** For what never changes: a year, which is for ever to a cache (RFC 8246). */
export const IMMUTABLE = 'public, max-age=31536000, immutable'
const IMMUTABLE_PRIVATE = 'private, max-age=31536000, immutable'

function cacheControl(life: Answer['life'], isPrivate: boolean): string {
  if (life === 'immutable') return isPrivate ? IMMUTABLE_PRIVATE : IMMUTABLE
  const fresh = Math.max(0, Math.floor(life.fresh))
  const stale = Math.max(0, Math.floor(life.stale))
  return `${isPrivate ? 'private' : 'public'}, max-age=${fresh}, stale-while-revalidate=${stale}`
}

/** The facts of an answer whose bytes are at hand: they always give an entity tag. */
export function factsOfBytes(answer: Answer, bytes: Buffer): SizedFacts {
  const sha256 = answer.sha256 ?? createHash('sha256').update(bytes).digest('hex')
  return { ...factsOf({ ...answer, sha256 }, bytes.length), size: bytes.length }
}

/** The headers of the whole file, as the flat list of names and values that `writeHead` takes. */
export function wholeHeaders(facts: FileFacts): string[] {
  const headers = ['Content-Type', facts.contentType]
  if (facts.size !== undefined) headers.push('Content-Length', String(facts.size))
  if (facts.ranges) headers.push('Accept-Ranges', 'bytes')
  pushCommon(headers, facts)
  return headers
}

/** The headers of bytes `start` to `end` (exclusive) of a file of known size, for status 206. */
export function partHeaders(facts: SizedFacts, start: number, end: number): string[] {
  const headers = ['Content-Type', facts.contentType, 'Content-Length', String(end - start)]
  headers.push('Content-Range', `bytes ${start}-${end - 1}/${facts.size}`, 'Accept-Ranges', 'bytes')
  pushCommon(headers, facts)
  return headers
}

/** The headers of status 304: those that a cache renews its copy with (RFC 9110, section 15.4.5). */
export function notModifiedHeaders(facts: FileFacts): string[] {
  const headers: string[] = []
  pushCommon(headers, facts)
  return headers
}

function pushCommon(headers: string[], facts: FileFacts): void {
  headers.push('Cache-Control', facts.cacheControl)
  if (facts.etag !== undefined) headers.push('ETag', facts.etag)
  if (facts.modified !== undefined) headers.push('Last-Modified', new Date(facts.modified).toUTCString())
  if (facts.module !== undefined) headers.push('X-Go-Mod', facts.module)
  headers.push('X-Content-Type-Options', 'nosniff')
}
