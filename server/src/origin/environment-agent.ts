import { getCACertificates } from 'node:tls'
import { EnvHttpProxyAgent } from 'undici'

/**
 * Connections through the HTTP proxies that `env` names, for requests to addresses of the configuration. `authority` is a
 * certificate in PEM that is trusted besides those of Node and of the system.
 */
export function createEnvironmentAgent(
  env: Readonly<Record<string, string | undefined>>,
  authority?: string,
): EnvHttpProxyAgent {
  const trust =
    authority === undefined
      ? {}
      : { ca: [...getCACertificates('default'), ...getCACertificates('system'), authority] }
  const variable = (name: string): string => env[name] ?? env[name.toUpperCase()] ?? ''
  return new EnvHttpProxyAgent({
    // What is absent here would be read from the environment of the process.
    httpProxy: variable('http_proxy'),
    httpsProxy: variable('https_proxy'),
    noProxy: variable('no_proxy'),
    connect: { timeout: 10_000, ...trust },
    requestTls: { timeout: 10_000, ...trust },
    keepAliveTimeout: 10_000,
  })
}
