import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { ModsteadError } from '../errors.ts'
import type { Exchange } from './exchange.ts'
import { errorCode, failure, type Peer } from './failures.ts'
import { quotable } from './plain-text.ts'

const decompress = promisify(gunzip)

/** Bytes read of the text that comes with an error: enough to quote, and to keep most connections. */
const ERROR_TEXT = 16 << 10
/** Milliseconds that the text of an error may take. */
const ERROR_TEXT_TIME = 2_000

/**
 * The whole body, decompressed. Throws `upstream_invalid` for one of more than `limit` bytes, as sent or after
 * decompression, and for an encoding that was not asked for; `upstream_page` for HTML.
 */
export async function readBody(answer: Exchange, options: { limit: number; peer: Peer }): Promise<Buffer> {
  const { limit, peer } = options
  const encoding = checkHeaders(answer, ['gzip', 'x-gzip'], options)
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of answer.body) {
    chunks.push(chunk)
    length += chunk.length
    refuseSize(length, options)
  }
  const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length)
  if (encoding === 'identity') return body
  try {
    return await decompress(body, { maxOutputLength: limit })
  } catch (cause) {
    if (errorCode(cause) === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(options)
    throw failure('upstream_invalid', peer, 'sent an answer that is not valid gzip', { cause })
  }
}

/**
 * The body chunk by chunk, as it arrives and without copies. Throws at once where headers show that it is too large,
 * compressed or HTML, and while it is read where it turns out too large.
 */
export function streamBody(answer: Exchange, options: { limit: number; peer: Peer }): AsyncIterable<Buffer> {
  checkHeaders(answer, [], options)
  return bounded(answer.body, options)
}

/**
 * What the host says about its error, as it came: to be quoted with care. `''` where it says nothing or not in plain text
 * (the rule of `go`: text/plain in UTF-8). Never throws for a bad body.
 */
export async function readErrorText(answer: Exchange): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), ERROR_TEXT_TIME)
  })
  const reader = answer.body[Symbol.asyncIterator]()
  try {
    while (length < ERROR_TEXT) {
      const result = await Promise.race([reader.next(), late])
      if (result === 'late' || result.done === true) break
      chunks.push(result.value)
      length += result.value.length
    }
    const { headers } = answer
    const type = headers['content-type'] ?? ''
    if (!/^text\/plain *(?:; *charset="?(?:utf-8|us-ascii)"? *)?$/i.test(type)) return ''
    const body = Buffer.concat(chunks)
    const isPlain = headers['content-encoding'] === undefined
    const text = (isPlain ? body : await decompress(body, { maxOutputLength: ERROR_TEXT })).toString()
    return text.trimStart().startsWith('<') ? '' : text
  } catch (error) {
    // The status says what went wrong; the text would only have explained it.
    if (error instanceof ModsteadError && error.code === 'aborted') throw error
    return ''
  } finally {
    clearTimeout(timer)
    await reader.return?.()
  }
}

async function* bounded(
  body: AsyncIterable<Buffer>,
  options: { limit: number; peer: Peer },
): AsyncGenerator<Buffer, void> {
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    refuseSize(length, options)
    yield chunk
  }
}

/** The encoding of an answer whose headers are as they should be; otherwise abandons it and throws. */
function checkHeaders(answer: Exchange, encodings: string[], options: { limit: number; peer: Peer }): string {
  const { 'content-encoding': encoding = 'identity', 'content-type': type = '' } = answer.headers
  const problem = headersProblem({ encoding, type, size: answer.size, encodings }, options)
  if (problem === undefined) return encoding
  answer.abandon()
  throw problem
}

function headersProblem(
  headers: { encoding: string; type: string; size: number | undefined; encodings: string[] },
  options: { limit: number; peer: Peer },
): ModsteadError | undefined {
  const { encoding, type, size, encodings } = headers
  if (size !== undefined && size > options.limit) return tooLarge(options)
  if (/^(text\/html|application\/xhtml)/i.test(type)) return htmlAnswer(options.peer)
  if (encoding === 'identity' || encodings.includes(encoding)) return undefined
  const sentence = `sent an answer encoded as ${quotable(encoding)}, which was not asked for`
  return failure('upstream_invalid', options.peer, sentence)
}

function refuseSize(size: number, options: { limit: number; peer: Peer }): void {
  if (size > options.limit) throw tooLarge(options)
}

export function tooLarge(options: { limit: number; peer: Peer }): ModsteadError {
  return failure(
    'upstream_invalid',
    options.peer,
    `sent more than the ${options.limit} bytes such a file may have`,
  )
}

/**
 * For a page where a file was asked for: most often a sign-in form on the way to the host, or the front page of another
 * service. It says nothing about the file, and is no more held against the host than an outage.
 */
export function htmlAnswer(peer: Peer): ModsteadError {
  return failure('upstream_page', peer, 'answered with a web page instead of the file', {
    next: 'check the URL of the origin, and whether something on the way asks for a sign-in',
  })
}
