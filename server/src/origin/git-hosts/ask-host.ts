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

/**
 * What the API of a git host has at a path of elements; `undefined` where there is nothing, or it has moved. Throws
 * `upstream_failed` for another status and `upstream_invalid` for what is no JSON, besides what undici throws.
 */
export async function askHost(
  { base, headers, dispatcher }: HostApi,
  elements: readonly (string | number)[],
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<unknown> {
  const path = elements.map((element) => encodeURIComponent(element)).join('/')
  const search = new URLSearchParams(query).toString()
  const { statusCode, body } = await request(`${base}/${path}${search === '' ? '' : `?${search}`}`, {
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
  if (statusCode === 404 || statusCode === 301 || statusCode === 307 || statusCode === 308) return undefined
  if (statusCode !== 200)
    throw new ModsteadError('upstream_failed', `it answered ${elements[0]} with ${statusCode}`, {
      ...([401, 403].includes(statusCode) && {
        next: 'check the token in access.gitHosts, and what it may do there',
      }),
    })
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as unknown
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
