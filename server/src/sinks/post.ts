import { readFile } from 'node:fs/promises'
import { rootCertificates } from 'node:tls'
import { EnvHttpProxyAgent, request } from 'undici'
import { ModsteadError } from '../errors.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Sends requests to one address of the configuration. */
export interface Poster {
  /** Resolves for a status of success. Rejects for any other, which is told with the beginning of the answer. */
  post(
    url: string,
    headers: Readonly<Record<string, string>>,
    body: Buffer,
    signal: AbortSignal,
  ): Promise<void>
  close(): Promise<void>
}

/** Statuses that are about what was sent, and not about the receiver or who sends. */
const FOR_GOOD: ReadonlySet<number> = new Set([400, 413, 415, 422])
/** Bytes of an answer that are read at most. */
const READ = 64 << 10

/** `ca` is a PEM file of authorities trusted besides the usual ones. Redirects are not followed. */
export async function createPoster(ca: string | undefined, env: Environment): Promise<Poster> {
  const variable = (name: string): string => env[name] ?? env[name.toUpperCase()] ?? ''
  const trust = await trustOf(ca)
  const dispatcher = new EnvHttpProxyAgent({
    // What is absent here would be read from the environment of the process.
    httpProxy: variable('http_proxy'),
    httpsProxy: variable('https_proxy'),
    noProxy: variable('no_proxy'),
    connect: { timeout: 10_000, ...trust },
    requestTls: trust,
  })
  return {
    async post(url, headers, body, signal) {
      const answer = await request(url, { method: 'POST', headers, body, signal, dispatcher })
      const chunks: Buffer[] = []
      let size = 0
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        if (size < READ) chunks.push(chunk)
        size += chunk.length
        if (size > 16 * READ) break
      }
      const { statusCode } = answer
      if (statusCode >= 200 && statusCode < 300) return
      const said = Buffer.concat(chunks).toString('utf8', 0, 200).replaceAll(/\s+/g, ' ').trim()
      const code = FOR_GOOD.has(statusCode) ? 'upstream_invalid' : 'upstream_failed'
      throw new ModsteadError(code, `${new URL(url).host} answered ${statusCode}: ${said}`)
    },
    close: () => dispatcher.close(),
  }
}

/** For TLS connections: the authorities of node and those of a file. */
export async function trustOf(ca: string | undefined): Promise<{ ca?: string[] }> {
  return ca === undefined ? {} : { ca: [...rootCertificates, await readFile(ca, 'utf8')] }
}
