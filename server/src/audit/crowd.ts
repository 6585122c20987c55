/**
 * What nobody in particular causes: anonymous refusals, and credentials that prove nobody. A stranger can cause any
 * number of these, so only some are recorded one by one. The others are counted, and each minute their sums are
 * recorded: the log grows by a bounded amount, whoever asks however often, and its counts stay complete.
 */
import type { AuditFacts } from './event.ts'

export interface Crowd {
  /** Whether the event is to be recorded by itself; else it was counted. */
  admit(facts: AuditFacts): boolean
  /** The sums of a minute that is over; with `all` also those of the one that runs. */
  take(all?: boolean): AuditFacts[]
}

export interface CrowdOptions {
  /** What addresses are counted by: those that one client can have are one. */
  networkOf: (address: string) => string
  /** The part of its disk that the log takes. */
  fill: () => number
  /** Milliseconds since the epoch. */
  now: () => number
}

const MINUTE = 60_000
/** Recorded one by one within a minute: of one network, and of all together. */
const SINGLE = { each: 60, together: 600 }
/** From which part of the disk on nothing is recorded one by one, and from which on there is one sum for all. */
const HALF = 0.5
const LITTLE_LEFT = 0.75
/** Sums by network within a minute; what comes from further ones is added up without. */
const NETWORKS = 256
const NETWORKS_BEYOND_HALF = 16

/**
 * Whether anybody can cause such an event. A name that stands with a failed credential is only claimed. Reads are not
 * counted here, nor hooks whose signature is right.
 */
export function isOfCrowd(facts: AuditFacts): boolean {
  const { event_type: type, auth_result: result, principal_kind: kind = 'anonymous' } = facts
  if (type === 'authentication' || type === 'refusal')
    return kind === 'anonymous' || result === 'failed' || result === 'blocked_by_circuit'
  if (kind !== 'anonymous' || type === 'download' || type === 'list' || type === 'checksum') return false
  const { code = '', action = '' } = facts
  return code !== '' || (facts.kind === 'api' && /^(?:GET|HEAD) /.test(action))
}

export function createCrowd({ networkOf, fill, now }: CrowdOptions): Crowd {
  let started = -Infinity
  let together = 0
  /** No more entries than events are recorded one by one. */
  const singles = new Map<string, number>()
  const sums = new Map<string, AuditFacts & { count: number }>()
  let networks = 0
  let summing = 0

  function isSameMinute(since: number): boolean {
    // A clock that was set back begins a new one.
    return now() >= since && now() - since < MINUTE
  }

  function isSingle(network: string): boolean {
    if (!isSameMinute(started)) {
      started = now()
      singles.clear()
      together = 0
    }
    const own = singles.get(network) ?? 0
    if (together >= SINGLE.together || own >= SINGLE.each || fill() >= HALF) return false
    together++
    singles.set(network, own + 1)
    return true
  }

  function sumFor(facts: AuditFacts, network: string): AuditFacts & { count: number } {
    const { event_type, auth_result, user_principal, principal_kind, tenant, status, code } = facts
    const full = fill()
    const most = full >= LITTLE_LEFT ? 0 : full >= HALF ? NETWORKS_BEYOND_HALF : NETWORKS
    const whole = { event_type, auth_result, user_principal, principal_kind, tenant, status, code }
    const key = JSON.stringify([network, ...Object.values(whole)])
    const found = sums.get(key)
    if (found !== undefined) return found
    if (sums.size === 0) summing = now()
    const detail = `sum of what came since ${new Date(now()).toISOString()}`
    if (networks < most) {
      networks++
      const sum = { ...defined(whole), event_type, auth_result, client_ip: network, detail, count: 0 }
      sums.set(key, sum)
      return sum
    }
    const rest = `${event_type} ${auth_result}`
    const sum = sums.get(rest) ?? { event_type, auth_result, detail: `${detail}, of all networks`, count: 0 }
    sums.set(rest, sum)
    return sum
  }

  return {
    admit(facts) {
      const network = networkOf(facts.client_ip ?? '')
      if (isSingle(network)) return true
      sumFor(facts, network).count++
      return false
    },
    take(all = false) {
      if (sums.size === 0 || (!all && isSameMinute(summing))) return []
      const taken = [...sums.values()]
      sums.clear()
      networks = 0
      return taken
    },
  }
}

function defined<T extends object>(facts: T): Partial<{ [K in keyof T]: Exclude<T[K], undefined> }> {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as never
}
