import type { IncomingHttpHeaders } from 'node:http'
import type { Permission } from '../config/permissions.ts'
import { ModsteadError } from '../errors.ts'
import type { Decide, Decision } from './decide.ts'
import type { HostRights } from './git-hosts/host-rights.ts'
import type { Identify, Identity } from './identify.ts'
import { ANONYMOUS, described, type Principal } from './principal.ts'

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

/** How many decisions are remembered for one identity. */
const DECISIONS = 5_000

export function createAccess({
  identify,
  decide,
  open,
  closed,
  hosts,
  now = () => performance.now(),
}: AccessOptions): Access {
  // By the headers, which belong to one request: a credential is judged once, whoever wants to know.
  const asked = new WeakMap<IncomingHttpHeaders, Promise<Identity>>()
  const answered = new WeakMap<IncomingHttpHeaders, Principal>()

  function reads(identity: Identity, module: string): boolean {
    const known = identity.reads.get(module)
    if (known !== undefined) return typeof known === 'number' ? now() < known : known
    const may = decide(identity.principal, { permission: 'module:read', module }) === 'allow'
    const host = hosts?.of(module)
    // Bindings do not have the last word: until the host was asked nothing is known.
    if (host === 'needed' || (host === 'also' && !may)) return false
    remember(identity, module, may)
    return may
  }

  function remember({ reads }: Identity, module: string, may: boolean | number): void {
    if (reads.size >= DECISIONS) reads.clear()
    reads.set(module, may)
  }

  /** What bindings and the git host say together. Rejects as `HostRights.ask`. */
  async function decideWithHost(identity: Identity, module: string): Promise<Decision> {
    const { principal } = identity
    const question = { permission: 'module:read', module } as const
    const own = decide(principal, question)
    const needed = hosts!.of(module) === 'needed'
    if (principal.kind === 'anonymous') return own === 'allow' && needed ? 'unauthenticated' : own
    // What a credential was narrowed to holds whatever the host says, which is not asked in vain.
    const right = { ...principal, rights: [...principal.rights, question.permission] }
    if (needed ? own !== 'allow' : decide(right, question) !== 'allow') return own
    const verdict = await hosts!.ask(principal, module)
    if (verdict?.outcome === 'allow') {
      remember(identity, module, verdict.until)
      return 'allow'
    }
    if (own === 'absent' || verdict?.outcome === 'absent') return 'absent'
    return 'not_permitted'
  }

  function reader({ headers, socket }: Received, module: string | undefined): Principal | undefined {
    if (open) return ANONYMOUS
    const identity = identify.known(headers, socket)
    if (identity === undefined) return undefined
    return module === undefined || reads(identity, module) ? identity.principal : undefined
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
      if (permission === 'module:read' && module !== undefined && reads(identity, module)) return principal
      const asksHost = permission === 'module:read' && module !== undefined && hosts?.of(module) !== undefined
      const decision = asksHost
        ? await decideWithHost(identity, module)
        : decide(principal, { permission, ...(module !== undefined && { module }) })
      if (decision === 'allow') return principal
      throw refusal(decision, principal, permission, module, asksHost)
    },
    permit(principal, permission) {
      const decision = decide(principal, { permission })
      if (decision === 'allow') return principal
      throw refusal(decision, principal, permission, undefined, false)
    },
  }
}

function nobodyMay(permission: Permission): ModsteadError {
  const what = WORDS[permission]
  return new ModsteadError('not_permitted', `nobody may ${what} on this server: it has no tokens`, {
    next: `who runs it has to add to its configuration: tokens: { NAME: { token: SECRET, may: [${what}] } }`,
  })
}

function refusal(
  decision: 'absent' | 'unauthenticated' | 'not_permitted',
  principal: Principal,
  permission: Permission,
  module: string | undefined,
  hostAsked: boolean,
): ModsteadError {
  const what = WORDS[permission]
  const reading = permission === 'module:read'
  if (decision === 'absent')
    return new ModsteadError('not_found', `${described(principal)} may read nothing at ${module} itself`, {
      next: hostAsked
        ? 'write the whole path of the module, or ask for the right to read its repository at the git host'
        : 'what is below that path may be there: write the whole path of the module',
    })
  const about = module === undefined || !reading ? '' : ` ${module}`
  if (decision === 'unauthenticated')
    return new ModsteadError(
      'unauthenticated',
      `to ${what}${about} takes a token, and the request has none`,
      {
        ...(reading && {
          next: 'give go a token for this host, in ~/.netrc or by GOAUTH, over https: /settings here tells how',
        }),
      },
    )
  return new ModsteadError('not_permitted', `${described(principal)} may not ${what}${about}`, {
    ...(reading && {
      next: hostAsked
        ? 'ask for the right to read its repository at the git host'
        : 'ask who runs this server for a binding to a role that reads it',
    }),
  })
}

const WORDS: Readonly<Record<Permission, string>> = {
  'module:read': 'read',
  'module:publish': 'publish',
  'module:delete': 'delete',
  'cache:manage': 'manage the cache',
  'policy:write': 'change policies',
  'token:create': 'create tokens',
  'audit:read': 'audit',
}
