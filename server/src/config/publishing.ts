import type { Config, RouteConfig, TokenConfig } from './config.ts'
import { type BuildContext, complain } from './context.ts'
import type { KeyPath } from './problems.ts'
import type { FileConfig, FileOrigin } from './schema.ts'
import { resolveSecret, SHORTEST } from './secrets.ts'

/** The tokens of the file. Two of one value would leave open whose name is recorded. */
export async function buildTokens(
  context: BuildContext,
  { tokens = {}, access }: Pick<FileConfig, 'tokens' | 'access'>,
): Promise<TokenConfig[]> {
  const built: TokenConfig[] = []
  for (const [name, { token: given, may }] of Object.entries(tokens)) {
    const path: KeyPath = ['tokens', name, 'token']
    const token = await resolveSecret(context, path, given)
    const same = built.find((other) => other.token === token)
    if (!/^[\x21-\x7e]*$/.test(token))
      complain(context, path, 'expected letters, digits and signs of ASCII without spaces, found others')
    else if (token.length < SHORTEST)
      complain(context, path, `expected ${SHORTEST} characters or more, found ${token.length}`)
    else if (same !== undefined) complain(context, path, `is the same as that of ${same.name}`)
    // Bindings can say it, too. What is written and wrong was noted before.
    if (may === undefined && access === undefined && !isWritten(context, ['tokens', name], 'may'))
      complain(context, ['tokens', name, 'may'], MAY_MISSING)
    built.push({ name, token, may: [...new Set(may ?? [])] })
  }
  return built
}

const MAY_MISSING = 'missing: expected a list of "publish", "delete", "audit", or access with bindings'

/** Whether the mapping at `path` has the key: the place of one that is missing is that of the mapping. */
function isWritten(context: BuildContext, path: KeyPath, key: string): boolean {
  return context.placeOfValue([...path, key]).label !== context.placeOfValue(path).label
}

/** The names of the origins of type `upload`, in the order of the file. */
export function uploadNames(origins: Readonly<Record<string, FileOrigin>> = {}): string[] {
  return Object.entries(origins).flatMap(([name, { type }]) => (type === 'upload' ? [name] : []))
}

/** Warns of what is set up for publishing and will not work, or not safely. */
export function warnOfPublishing(
  context: BuildContext,
  { tokens, access, uploads, routes, tls, publicUrl, listen }: Omit<Config, 'origins'>,
): void {
  const takes = ({ from }: RouteConfig) => from.some(({ origin }) => uploads.includes(origin))
  for (const name of uploads)
    if (!routes.some(({ from }) => from.some(({ origin }) => origin === name)))
      context.warn(`no route names the origin ${name}, so that nothing can be published to it`)
  for (const { modules, checksum } of routes.filter(takes))
    if (checksum !== 'off')
      context.warn(
        `what is published for ${modules.join(', ')} must be in the checksum database ${checksum}: ` +
          'write private: true or checksum: off in that route for modules of your own',
      )
  if (
    uploads.length > 0 &&
    access === undefined &&
    !tokens.some(({ may }) => may.includes('publish') || may.includes('delete'))
  )
    context.warn('there are no tokens for it, so that nobody can publish or delete anything')
  const local = listen.every(
    (address) => 'socket' in address || /^(127\.|\[?::1|localhost$)/.test(address.host),
  )
  if (
    (tokens.length > 0 || access !== undefined) &&
    !local &&
    tls === undefined &&
    !publicUrl?.startsWith('https:')
  )
    context.warn('tokens travel unencrypted: set tls, or an https publicUrl where a reverse proxy serves it')
}

/** Warns where all clients seem to have one address, and a few typos would close it for everybody. */
export function warnOfLockout(
  context: BuildContext,
  { access, tls, publicUrl, trustedProxies }: Omit<Config, 'origins'>,
): void {
  if (trustedProxies !== undefined) return
  const proxied = tls === undefined && publicUrl !== undefined && publicUrl.startsWith('https:')
  const passwords = access?.htpasswd !== undefined || access?.ldap !== undefined
  if (passwords && access.lockout.addresses && proxied)
    context.warn(
      'publicUrl is https and tls is not set, so that all requests seem to come from one reverse proxy: ' +
        'name it in trustedProxies, or set access.lockout.addresses to false: otherwise wrong passwords of one user shut out everybody',
    )
}
