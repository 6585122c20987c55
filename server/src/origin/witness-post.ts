import { request } from 'undici'
import { MAX_ANSWER_BYTES, type PostToWitness } from '../sumdb/witness.ts'
import { createEnvironmentAgent } from './environment-agent.ts'

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
  const dispatcher = createEnvironmentAgent(env)
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
