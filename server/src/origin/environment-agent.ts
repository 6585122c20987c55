import type { SecureContext } from 'node:tls'
import { EnvHttpProxyAgent } from 'undici'

/**
 * Connections through the HTTP proxies that `env` names, for requests to addresses of the configuration. Those that they
 * lead to are trusted as `secureContext` says; absent: as Node does.
 */
export function createEnvironmentAgent(
  env: Readonly<Record<string, string | undefined>>,
  secureContext?: SecureContext,
): EnvHttpProxyAgent {
  const variable = (name: string): string => env[name] ?? env[name.toUpperCase()] ?? ''
  return new EnvHttpProxyAgent({
    // What is absent here would be read from the environment of the process.
    httpProxy: variable('http_proxy'),
    httpsProxy: variable('https_proxy'),
    noProxy: variable('no_proxy'),
    connect: { timeout: 10_000, ...(secureContext && { secureContext }) },
    ...(secureContext && { requestTls: { secureContext } }),
    keepAliveTimeout: 10_000,
  })
}
