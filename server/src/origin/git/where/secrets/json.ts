import { startRun } from '../../../deadline.ts'
import type { Exchange } from '../../../exchange.ts'
import { duration, failure, type Peer } from '../../../failures.ts'
import type { Trust } from '../../../trust.ts'
import type { Web } from '../web.ts'

/** What asking for tokens needs. */
export interface TokenSource {
  web: Web
  trust: () => Promise<Trust>
  /** Milliseconds for one request, whole. */
  total: number
  /** Names the entry of the configuration in messages. */
  entry: string
}

export interface JsonAnswer {
  status: number
  /** The members of an object; none where the answer is anything else. */
  members: Readonly<Record<string, unknown>>
}

/** Bytes of an answer that are read at most. */
const MOST_BYTES = 256 << 10

/**
 * Asks a configured URL, whatever its address is. Redirects are not followed: a secret goes where it was meant to go.
 * Throws what sending throws, `upstream_timeout` and, for an answer that is too large or no JSON, `upstream_invalid`.
 */
export async function askJson(
  source: TokenSource,
  request: { url: URL; method?: 'GET' | 'POST'; headers: Record<string, string>; body?: string },
): Promise<JsonAnswer> {
  const { web, total } = source
  const own = web.peerOf(request.url)
  const late = () => failure('upstream_timeout', own, `gave no token within ${duration(total)}`)
  const run = startRun({ signal: new AbortController().signal, total, late })
  try {
    const trust = await source.trust()
    const headers = { accept: 'application/json', 'accept-encoding': 'identity', ...request.headers }
    const sent = { ...request, headers, trust, mayReach: () => true }
    const answer = await web.send(sent, { signal: run.signal, priority: 'client' })
    return { status: answer.status, members: membersOf(await readText(answer, own), answer.status, own) }
  } finally {
    run.end()
  }
}

async function readText(answer: Exchange, own: Peer): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of answer.body) {
    length += chunk.length
    if (length > MOST_BYTES) throw failure('upstream_invalid', own, 'sent a token of an unlikely size')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length).toString('utf8')
}

/** What is said beside a failure need not be JSON. */
function membersOf(text: string, status: number, own: Peer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>
  } catch (cause) {
    // The text may hold a token: it is not repeated.
    if (!(cause instanceof SyntaxError)) throw cause
  }
  if (status < 200 || status > 299) return {}
  throw failure('upstream_invalid', own, 'was asked for a token and sent something that is not JSON')
}

/** A short word such as `invalid_client`, which is all that is repeated of an error. */
export function errorWord(members: Readonly<Record<string, unknown>>): string {
  const { error } = members
  return typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? `: ${error}` : ''
}

/** A token that can stand in a header, or `undefined`. */
export function tokenIn(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\x21-\x7e]{1,8192}$/.test(value) ? value : undefined
}
