import type { Decide, Decision } from './decide.ts'
import type { HostRights } from './git-hosts/host-rights.ts'
import type { Identity } from './identify.ts'

/** Who reads which modules: by bindings, and by those who know who may read repositories. */
export interface Reads {
  /** What is known without asking anybody: it runs for each request. `false` says nothing yet. */
  known(identity: Identity, module: string): boolean
  /** What bindings and the git host say together, and whether that host had a say. Rejects as `HostRights.ask`. */
  ask(identity: Identity, module: string): Promise<{ decision: Decision; hostAsked: boolean }>
}

export interface ReadsOptions {
  decide: Decide
  /** Absent: bindings decide alone. */
  hosts: HostRights | undefined
  /** Milliseconds. */
  now: () => number
}

/** How many decisions are remembered for one identity. */
const DECISIONS = 5_000

/** Decides once for each identity and module, and again when what a git host said has ended. */
export function createReads({ decide, hosts, now }: ReadsOptions): Reads {
  function known(identity: Identity, module: string): boolean {
    const before = identity.reads.get(module)
    if (before !== undefined) return typeof before === 'number' ? now() < before : before
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

  async function withHost(identity: Identity, module: string): Promise<Decision> {
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

  return {
    known,
    async ask(identity, module) {
      const hostAsked = hosts?.of(module) !== undefined
      if (known(identity, module)) return { decision: 'allow', hostAsked }
      if (hostAsked) return { decision: await withHost(identity, module), hostAsked }
      return { decision: decide(identity.principal, { permission: 'module:read', module }), hostAsked }
    },
  }
}
