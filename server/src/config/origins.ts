import type { GoproxyOriginConfig, OriginConfig, OriginCredentials } from './config.ts'
import { absolutePath, type BuildContext, complain, pemFile, readNamedFile, shown } from './context.ts'
import { buildGitOrigin } from './git-origins.ts'
import { nameOfProxy, parseProxyUrl, type ProxyUrl } from './goproxy-list.ts'
import type { KeyPath } from './problems.ts'
import { proxyOriginSchema, type FileOrigin, type FileProxyOrigin } from './schema.ts'
import { resolveSecret } from './secrets.ts'

/** The origins of the file that are asked, by name and in its order. */
export async function buildOrigins(
  context: BuildContext,
  origins: Readonly<Record<string, FileOrigin>>,
): Promise<Map<string, OriginConfig>> {
  const built = new Map<string, OriginConfig>()
  for (const [name, origin] of Object.entries(origins)) {
    if (name === 'direct' && origin.type !== 'git')
      complain(context, ['origins', name, 'type'], 'expected "git": `direct` is the word for repositories')
    if (origin.type === 'upload') continue
    const config =
      origin.type === 'git'
        ? await buildGitOrigin(context, name, origin)
        : await buildProxyOrigin(context, name, origin)
    if (config) built.set(name, config)
  }
  return built
}

/**
 * The origin for a URL of a GOPROXY list: one that is configured with this URL, so that its credentials and limits
 * hold, or else a new one with the defaults, which is added to `origins`.
 */
export function originForUrl(origins: Map<string, OriginConfig>, proxy: ProxyUrl): GoproxyOriginConfig {
  const { url, credentials } = proxy
  for (const origin of origins.values())
    if (
      origin.type === 'goproxy' &&
      origin.url === url &&
      (!credentials || sameBasic(origin.credentials, credentials))
    )
      return origin
  const base = nameOfProxy(url)
  let name = base
  for (let number = 2; origins.has(name); number++) name = `${base}-${number}`
  const origin = assemble(proxyOriginSchema.parse({ url }), { name, url, credentials })
  origins.set(name, origin)
  return origin
}

/** The origin for a module proxy that is not configured, with the defaults, called as its URL. */
export function proxyOriginAt(url: string): GoproxyOriginConfig {
  return assemble(proxyOriginSchema.parse({ url }), { name: nameOfProxy(url), url })
}

async function buildProxyOrigin(
  context: BuildContext,
  name: string,
  origin: FileProxyOrigin,
): Promise<GoproxyOriginConfig | undefined> {
  const path: KeyPath = ['origins', name]
  const urlPath = [...path, 'url']
  const parsed = parseProxyUrl(origin.url)
  if (typeof parsed === 'string') {
    complain(context, urlPath, `expected ${parsed}, found ${shown(context, urlPath, origin.url)}`)
    return undefined
  }
  const credentials = await buildCredentials(context, [...path, 'credentials'], origin.credentials)
  if (parsed.credentials && origin.credentials)
    complain(
      context,
      urlPath,
      'a user name and password stand in the URL and there are credentials: keep one of them',
    )
  const chosen = credentials ?? parsed.credentials
  if (chosen && chosen.kind !== 'clientCertificate' && parsed.url.startsWith('http:'))
    context.warn(`the credentials of origin ${name} are sent unencrypted: its URL is http`)
  if (chosen?.kind === 'clientCertificate' && !parsed.url.startsWith('https:'))
    complain(context, urlPath, 'a client certificate needs a URL of https')
  const ca = origin.ca === undefined ? undefined : await pemFile(context, [...path, 'ca'], origin.ca)
  return assemble(origin, { name, url: parsed.url, credentials: chosen, ca })
}

async function buildCredentials(
  context: BuildContext,
  path: KeyPath,
  given: FileProxyOrigin['credentials'],
): Promise<OriginCredentials | undefined> {
  if (given === undefined) return undefined
  const at = (key: string) => [...path, key]
  const { username, password, token, netrc, cert, key } = given
  switch (Object.keys(given).sort().join(' ')) {
    case 'password username':
      return {
        kind: 'basic',
        username: username!,
        password: await resolveSecret(context, at('password'), password!),
      }
    case 'token':
      return { kind: 'bearer', token: await resolveSecret(context, at('token'), token!) }
    case 'netrc':
      await readNamedFile(context, at('netrc'), netrc!)
      return { kind: 'netrc', file: absolutePath(context, at('netrc'), netrc!) }
    case 'cert key':
      return {
        kind: 'clientCertificate',
        cert: await pemFile(context, at('cert'), cert!),
        key: await pemFile(context, at('key'), key!),
      }
    default:
      complain(
        context,
        path,
        'expected one of: username and password; token; netrc; cert and key' +
          `, found ${Object.keys(given).join(' and ') || 'none of them'}`,
      )
      return undefined
  }
}

function sameBasic(a: OriginCredentials | undefined, b: OriginCredentials): boolean {
  return a?.kind === 'basic' && b.kind === 'basic' && a.username === b.username && a.password === b.password
}

/** Optional parts that are absent are left out, so that configurations compare and print without them. */
function assemble(
  { type, timeouts, connections, tries, limits }: FileProxyOrigin,
  resolved: {
    name: string
    url: string
    credentials?: OriginCredentials | undefined
    ca?: string | undefined
  },
): GoproxyOriginConfig {
  const { name, url, credentials, ca } = resolved
  const optional = { ...(credentials && { credentials }), ...(ca !== undefined && { ca }) }
  return { name, type, url, ...optional, timeouts, connections, tries, limits }
}
