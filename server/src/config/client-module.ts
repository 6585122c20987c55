import { isModulePath, type ModulePath } from '@modstead/gomod/path'

/**
 * The host of the helper's module path where the server has no name that could be one. RFC 6761, section 6.4: no host
 * has a name that ends in `.invalid`, so nobody else can ever be asked for it.
 */
export const NO_HOST = 'modstead.invalid'

/** What stands behind the host in the module path of the laptop helper. */
const BELOW = '/modstead/client'

/**
 * The module paths under which a server gives the laptop helper, the one to tell people first: below the host of
 * `publicUrl`, without its port, which module paths cannot have; and the one that every server has.
 */
export function clientModulePaths(
  publicUrl: string | undefined,
): readonly [first: ModulePath, ...others: ModulePath[]] {
  const everywhere = `${NO_HOST}${BELOW}` as ModulePath
  const host = publicUrl === undefined ? '' : new URL(publicUrl).hostname
  const path = host + BELOW
  // An address such as 10.0.0.1 could be one, too; but its certificate and its page are nowhere `go` looks.
  const isName = /\.[a-z][a-z0-9-]*$/.test(host) && isModulePath(path)
  return isName && path !== everywhere ? [path, everywhere] : [everywhere]
}
