import { EnvHttpProxyAgent, request } from 'undici'
import { MAX_ANSWER_BYTES, type PostToWitness } from '../sumdb/witness.ts'

export interface WitnessPost {
  post: PostToWitness
  /** Ends its connections. */
  close(): Promise<void>
}

/**
 * Sends checkpoints to witnesses, through the HTTP proxies of the environment. Redirects are answers like others, for a
 * witness is where it is configured; of a body that is too large one byte more than is allowed is given.
 */
export function createWitnessPost(env: Readonly<Record<string, string | undefined>>): WitnessPost {
  const variable = (name: string): string | undefined => env[name] ?? env[name.toUpperCase()]
  const [httpProxy, httpsProxy, noProxy] = ['http_proxy', 'https_proxy', 'no_proxy'].map(variable)
  const dispatcher = new EnvHttpProxyAgent({
    // What is absent here would be read from the environment of the process.
    httpProxy: httpProxy ?? '',
    httpsProxy: httpsProxy ?? '',
    noProxy: noProxy ?? '',
    connect: { timeout: 10_000 },
    keepAliveTimeout: 10_000,
  })
  return {
    async post(url, body, signal) {
      const answer = await request(url, {
        method: 'POST',
        body: Buffer.from(body),
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        dispatcher,
        signal,
      })
      const chunks: Buffer[] = []
      let size = 0
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        chunks.push(chunk)
        if ((size += chunk.length) > MAX_ANSWER_BYTES) break
      }
      const contentType = answer.headers['content-type']?.toString()
      return {
        status: answer.statusCode,
        contentType,
        body: Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES + 1),
      }
    },
    close: () => dispatcher.close(),
  }
}
