import type { IncomingHttpHeaders } from 'node:http'
import type { Permission } from '../config/permissions.ts'
import type { Decide } from './decide.ts'
import type { HostRights } from './git-hosts/host-rights.ts'
import type { Identify, Identity } from './identify.ts'
import { ANONYMOUS, type Principal } from './principal.ts'
import { createReads } from './reads.ts'
import { nobodyMay, refusal } from './refusals.ts'

/** What of a request tells who sent it. */
export interface Sender {
  headers: IncomingHttpHeaders
  /** IP address of the client, or `unix`. */
  address: string
  /** What it came over, where that may prove something itself. */
  connection?: object
}

/** A request as node has it; `socket` is only compared. */
export interface Received {
  headers: IncomingHttpHeaders
  socket: object
}

/** Who is asking, and whether they may. */
export interface Access {
  /**
   * Whether a request may read `module`, or with none what every reader may, where that is known without looking:
   * it runs for each request. `false` says nothing yet.
   */
  mayRead(request: Received, module: string | undefined): boolean
  /** The same, and gives who it is. */
  reader(request: Received, module: string | undefined): Principal | undefined
  /** Whether somebody has to be asked who sent this, before `mayRead` can say. */
  isUnknown(request: Received): boolean
  /** Who sent it, found out once for each request. Rejects as `Identify.ask`. */
  identify(sender: Sender): Promise<Principal>
  /** The same, where everybody may read, too: `identify` does not care there. */
  prove(sender: Sender): Promise<Principal>
  /** What would become of somebody's request. */
  decide: Decide
  /** Who sent it, as far as that was found out by now; `undefined` where it was not. Never throws. */
  principalOf(request: Received): Principal | undefined
  /**
   * Gives whoever may do it. Rejects as `identify`, and with `unauthenticated` and `not_permitted`, which are the same
   * for every module that no right reaches, there or not; and with `not_found` for a path above modules that may be
   * read, without looking.
   */
  require(sender: Sender, permission: Permission, module?: string): Promise<Principal>
  /** The same, about no module, for somebody who was proven in another way: throws what `require` rejects with. */
  permit(principal: Principal, permission: Permission): Principal
}

export interface AccessOptions {
  identify: Identify
  decide: Decide
  /** Everybody reads, and whatever a reader presents does not matter. */
  open: boolean
  /** Nobody can prove anything: there are no tokens, and no other credentials either. */
  closed: boolean
  /** Those who know who may read repositories; absent: bindings decide alone. */
  hosts?: HostRights
  now?: () => number
}

export function createAccess({
  identify,
  decide,
  open,
  closed,
  hosts,
  now = () => performance.now(),
}: AccessOptions): Access {
  const reads = createReads({ decide, hosts, now })
  // By the headers, which belong to one request: a credential is judged once, whoever wants to know.
  const asked = new WeakMap<IncomingHttpHeaders, Promise<Identity>>()
  const answered = new WeakMap<IncomingHttpHeaders, Principal>()

  function reader({ headers, socket }: Received, module: string | undefined): Principal | undefined {
    if (open) return ANONYMOUS
    const identity = identify.known(headers, socket)
    if (identity === undefined) return undefined
    return module === undefined || reads.known(identity, module) ? identity.principal : undefined
  }

  function ask({ headers, address, connection }: Sender): Promise<Identity> {
    let identity = asked.get(headers)
    if (identity === undefined) asked.set(headers, (identity = askNow({ headers, address, connection })))
    return identity
  }

  async function askNow({ headers, address, connection }: Sender): Promise<Identity> {
    const identity = await identify.ask(headers, address, connection)
    answered.set(headers, identity.principal)
    return identity
  }

  return {
    mayRead: (request, module) => reader(request, module) !== undefined,
    reader,
    isUnknown: ({ headers, socket }) => !open && identify.known(headers, socket) === undefined,
    principalOf: ({ headers, socket }) =>
      answered.get(headers) ?? (open ? undefined : identify.known(headers, socket)?.principal),
    identify: async (sender) => (open ? ANONYMOUS : (await ask(sender)).principal),
    prove: async (sender) => (await ask(sender)).principal,
    decide,
    async require(sender, permission, module) {
      if (open && permission === 'module:read') return ANONYMOUS
      if (closed && permission !== 'module:read') throw nobodyMay(permission)
      const identity = await ask(sender)
      const { principal } = identity
      const { decision, hostAsked } =
        permission === 'module:read' && module !== undefined
          ? await reads.ask(identity, module)
          : {
              decision: decide(principal, { permission, ...(module !== undefined && { module }) }),
              hostAsked: false,
            }
      if (decision === 'allow') return principal
      throw refusal(decision, principal, permission, module, hostAsked, sender.headers.host)
    },
    permit(principal, permission) {
      const decision = decide(principal, { permission })
      if (decision === 'allow') return principal
      throw refusal(decision, principal, permission, undefined, false)
    },
  }
}
