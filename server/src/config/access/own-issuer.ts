import { goproxyUrl } from '../address.ts'
import type { Config } from '../config.ts'
import { type BuildContext, complain } from '../context.ts'

/** What names this server in its own tokens. */
export function warnOfOwnIssuer(context: BuildContext, config: Config): void {
  const { access, publicUrl, listen } = config
  if (publicUrl !== undefined || access === undefined) return
  const own = goproxyUrl(config, listen) ?? 'no address'
  if (access.workloads.length > 0)
    context.warn(
      `access.workloads gives tokens that name this server as ${own}, where jobs elsewhere do not reach it: set publicUrl`,
    )
  const local = listen.every(
    (address) => 'socket' in address || /^(127\.|\[?::1|localhost$)/.test(address.host),
  )
  const passwords = access.htpasswd !== undefined ? 'htpasswd' : access.ldap && 'ldap'
  if (passwords !== undefined && !local)
    context.warn(
      `people of access.${passwords} who sign in get tokens that name this server as ${own}: set publicUrl to where they reach it`,
    )
}

/** Who signs tokens elsewhere must not be able to sign in our name: that would be everybody's. */
export function refuseOwnIssuer(context: BuildContext, config: Config): void {
  const own = goproxyUrl(config, config.listen)
  const { issuers = [], workloads = [] } = config.access ?? {}
  for (const [key, entries] of Object.entries({ jwt: issuers, workloads }))
    for (const { name, issuer } of entries)
      if (issuer.replace(/\/+$/, '') === own)
        complain(
          context,
          ['access', key, name, 'issuer'],
          'is the address of this server, whose own tokens are taken without an entry',
        )
}
