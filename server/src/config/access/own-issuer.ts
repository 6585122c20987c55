import { goproxyUrl } from '../address.ts'
import type { Config } from '../config.ts'
import { type BuildContext, complain } from '../context.ts'

/** What names this server in its own tokens. */
export function warnOfOwnIssuer(context: BuildContext, config: Config): void {
  if (config.publicUrl !== undefined || (config.access?.workloads ?? []).length === 0) return
  const own = goproxyUrl(config, config.listen) ?? 'no address'
  context.warn(
    `access.workloads gives tokens that name this server as ${own}, where jobs elsewhere do not reach it: set publicUrl`,
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
