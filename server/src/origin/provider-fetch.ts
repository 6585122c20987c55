import { readFileSync } from 'node:fs'
import { fetch } from 'undici'
import { ModsteadError } from '../errors.ts'
import { createEnvironmentAgent } from './environment-agent.ts'

/** One request as the OpenID Connect library makes it. */
export interface ProviderRequest {
  method: string
  headers: Record<string, string>
  body?: string | URLSearchParams | ArrayBuffer | Uint8Array | ReadableStream | null | undefined
  signal?: AbortSignal
}

export interface ProviderFetch {
  fetch(url: string, request: ProviderRequest): Promise<Response>
  close(): Promise<void>
}

/** Milliseconds for a whole answer. */
const DEADLINE = 10_000
/** Bytes: key sets with certificates, people in thousands of groups. */
const LARGEST = 2 << 20

/**
 * Requests to an OpenID Connect provider, through the HTTP proxies of the environment. Redirects are not followed: the
 * addresses are those that the configuration and the provider say. Throws `config_invalid` for a `ca` that cannot be used.
 */
export function createProviderFetch({
  name,
  ca,
  env,
}: {
  name: string
  /** A PEM file. */
  ca?: string
  env: Readonly<Record<string, string | undefined>>
}): ProviderFetch {
  const dispatcher = createEnvironmentAgent(env, ca === undefined ? undefined : readPem(name, ca))
  return {
    async fetch(url, { method, headers, body, signal }) {
      const deadline = AbortSignal.timeout(DEADLINE)
      const {
        status,
        headers: answered,
        body: stream,
      } = await fetch(url, {
        method,
        headers,
        redirect: 'manual',
        dispatcher,
        signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
        ...(body !== undefined &&
          body !== null && { body: body instanceof URLSearchParams ? body.toString() : body }),
      })
      const chunks: Uint8Array[] = []
      let size = 0
      for await (const chunk of stream ?? []) {
        chunks.push(chunk as Uint8Array)
        if ((size += (chunk as Uint8Array).length) > LARGEST)
          throw new ModsteadError('upstream_failed', `${new URL(url).host} answered with more than 2 MiB`)
      }
      const empty = status === 204 || status === 304
      return new Response(empty ? null : Buffer.concat(chunks), {
        status,
        headers: Object.fromEntries(answered.entries()),
      })
    },
    close: () => dispatcher.close(),
  }
}

function readPem(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ModsteadError('config_invalid', `the file ${file} of access.oidc.${name} cannot be read`, {
      cause,
    })
  }
}
