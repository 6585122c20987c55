import { request } from 'undici'
import { ModsteadError } from '../errors.ts'
import { createEnvironmentAgent } from './environment-agent.ts'

export interface KeySets {
  /** The bytes at an https URL. Redirects are not followed: the keys are where the configuration says. */
  get(url: string): Promise<Uint8Array>
  close(): Promise<void>
}

const DEADLINE = 10_000
/** Bytes: a hundred keys with certificates. */
const LARGEST = 512 << 10

/**
 * Gets public keys of issuers through the HTTP proxies of the environment. `authority` is one in PEM that is trusted
 * besides the usual. Throws `upstream_failed` and what undici throws.
 */
export function createKeySets(
  env: Readonly<Record<string, string | undefined>>,
  authority?: string,
): KeySets {
  const dispatcher = createEnvironmentAgent(env, authority)
  return {
    async get(url) {
      const signal = AbortSignal.timeout(DEADLINE)
      const { statusCode, body } = await request(url, {
        dispatcher,
        signal,
        headers: { accept: 'application/json' },
      })
      const chunks: Buffer[] = []
      let size = 0
      for await (const chunk of body as AsyncIterable<Buffer>) {
        chunks.push(chunk)
        if ((size += chunk.length) > LARGEST) throw failed(url, 'is larger than 512 KiB')
      }
      if (statusCode !== 200) throw failed(url, `answered with ${statusCode}`)
      return Buffer.concat(chunks)
    },
    close: () => dispatcher.close(),
  }
}

function failed(url: string, problem: string): ModsteadError {
  return new ModsteadError('upstream_failed', `${url} ${problem}`)
}
