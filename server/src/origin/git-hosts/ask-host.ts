import { type Dispatcher, request } from 'undici'
import { ModsteadError } from '../../errors.ts'

export interface HostApi {
  /** Where its API begins, without a slash at the end. */
  base: string
  /** Headers that prove who asks: sent to no other host, since redirects are not followed. */
  headers: Readonly<Record<string, string>>
  dispatcher: Dispatcher
}

/** Bytes: a page of a hundred members. */
const LARGEST = 1 << 20

/** What the API of a git host said to one question. */
export type HostAnswer =
  | { kind: 'found'; value: unknown }
  /** Nothing is there, it has moved, or nothing of that name can be there. */
  | { kind: 'absent' }
  /** The token may not ask this. */
  | { kind: 'forbidden' }

/** Statuses that are about the path alone. */
const ABSENT: ReadonlySet<number> = new Set([301, 307, 308, 400, 404, 410, 414, 422])

/**
 * Asks the API of a git host for what is at a path of elements. Throws `upstream_failed` for what is about the host as a
 * whole and `upstream_invalid` for what is about this question alone, or no JSON, besides what undici throws.
 */
export async function askHost(
  { base, headers, dispatcher }: HostApi,
  elements: readonly string[],
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<HostAnswer> {
  const path = elements.map((element) => encodeURIComponent(element)).join('/')
  const search = new URLSearchParams(query).toString()
  const {
    statusCode,
    headers: said,
    body,
  } = await request(`${base}/${path}${search === '' ? '' : `?${search}`}`, {
    dispatcher,
    signal,
    headers: { accept: 'application/json', 'user-agent': 'modstead', ...headers },
  })
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    if ((size += chunk.length) > LARGEST)
      throw new ModsteadError('upstream_invalid', 'its answer is larger than 1 MiB')
  }
  if (ABSENT.has(statusCode)) return { kind: 'absent' }
  // GitHub says 403, too, where too much was asked.
  const limited = said['retry-after'] !== undefined || said['x-ratelimit-remaining'] === '0'
  if (statusCode === 403 && !limited) return { kind: 'forbidden' }
  const isOfHost = statusCode >= 500 || statusCode === 401 || statusCode === 429 || limited
  if (statusCode !== 200)
    throw new ModsteadError(
      isOfHost ? 'upstream_failed' : 'upstream_invalid',
      `it answered ${elements[0]} with ${statusCode}`,
      {
        ...(statusCode === 401 && { next: 'check the token in access.gitHosts' }),
      },
    )
  try {
    return { kind: 'found', value: JSON.parse(Buffer.concat(chunks).toString()) as unknown }
  } catch (cause) {
    throw new ModsteadError('upstream_invalid', 'its answer is no JSON', { cause })
  }
}

/** The member `name` of what should be an object. */
export function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
}
