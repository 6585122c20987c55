import type { TokenConfig } from '../config/config.ts'
import { type Access, createAccess } from './access.ts'
import { createConfigTokens } from './tokens/config-tokens.ts'
import { createDecide } from './decide.ts'
import { createIdentify } from './identify.ts'

/** Without `access` in the configuration: everybody reads, and its tokens may do what it says of each. */
export function accessOfTokens(tokens: readonly TokenConfig[], tenant?: string): Access {
  return createAccess({
    identify: createIdentify({ credentials: [createConfigTokens(tokens)], tenant }),
    decide: createDecide(
      { anonymous: ['*'], admins: [], roles: new Map(), bindings: [] },
      { isPrivate: () => false },
    ),
    open: true,
    closed: tokens.length === 0,
  })
}
