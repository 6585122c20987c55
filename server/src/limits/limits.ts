import { BlockList, isIP } from 'node:net'
import { LRUCache } from 'lru-cache'
import { isMeant } from '../access/decide.ts'
import type { Principal } from '../access/principal.ts'
import type { Subject } from '../config/access/access-config.ts'
import {
  type LimitedClass,
  type LimitsConfig,
  type Measure,
  type Rates,
} from '../config/limits/limits-config.ts'
import { ModsteadError } from '../errors.ts'
import type { Observer } from '../observe/observer.ts'
import { createFairGate } from './fair-gate.ts'
import { createMeters, type Gauge, type Meter, type Meters, neighbourhood } from './meters.ts'
import { createRateLimiter, type Queued } from './rate-limiter.ts'

/** Where a client is. */
export interface Place {
  /** IP address, or `unix`. */
  address: string
  /** What it counts as: see `networkOf`. */
  network: string
}

/** Whose request it is. */
export interface Client {
  place: Place
  /** Absent where a credential proves nobody: it counts like none. */
  principal: Principal | undefined
  /** Absent where it is nobody's in particular. */
  tenant: string | undefined
}

/** A client that something has to be fetched for. */
export interface ColdClient {
  /**
   * Waits until a fetch may begin for this client, and gives what says that it is over. Throws `rate_limited`,
   * `overloaded` and the reason of the signal.
   */
  begin(signal: AbortSignal): Promise<() => void>
}

export interface Limits {
  /** Whether requests are counted at all: without, nothing else of this is to be called but `cold`. */
  readonly counted: boolean
  /** Counts a request and what it takes, if it is within the limits and nobody waits. Makes nothing: it runs for each request. */
  passes(place: Place, principal: Principal | undefined, tenant: string | undefined, bytes: number): boolean
  /** Counts a request, after its turn came. Throws `rate_limited`, and the reason of the signal. */
  admit(client: Client, signal: AbortSignal): Promise<void>
  /** Counts the bytes of an answer to a request that was admitted. */
  sent(client: Client, bytes: number): void
  cold(client: Client): ColdClient
}

export interface LimitsOptions {
  config: LimitsConfig
  /** The members of `$admins`, who may be exempt. */
  admins?: readonly Subject[]
  /** Why nothing may be fetched now, for nobody. Default: it always may. */
  refuseFetching?: () => ModsteadError | undefined
  observer: Observer
  now?: () => number
}

/** How long a fetch waits for its turn: as long as those of repositories do. Milliseconds. */
const COLD_PATIENCE = 120_000
/** Fetches that may wait, of one client and of all. */
const COLD_LINE = { ofOne: 2_000, all: 20_000 }
/** Addresses of which it is remembered whether they are exempt. */
const REMEMBERED = 10_000

/** Limits for what clients ask, and for what has to be fetched for them. */
export function createLimits(options: LimitsOptions): Limits {
  const { config, observer, refuseFetching = () => undefined, now = () => performance.now() } = options
  const refusals = observer.counter(
    'modstead_limit_refusals_total',
    'Requests and fetches refused by a limit.',
    ['limit'],
  )
  const limiterOptions = { queue: config.queue, now, refused: (limit: string) => refusals.add(1, limit) }
  const isExempt = createExemption(config.exempt, options.admins ?? [])
  const asking = createCounted(config, ['requests', 'bytes'])
  const fetching = createCounted(config, ['cold'])
  const asked = createRateLimiter(limiterOptions)
  const fetched = createRateLimiter(limiterOptions)
  const gate = createFairGate({
    size: config.concurrentCold.all,
    ofOne: config.concurrentCold.client,
    patience: COLD_PATIENCE,
    line: COLD_LINE,
    refusal(full) {
      refusals.add(1, full === 'one' ? 'concurrentCold.client' : 'concurrentCold.all')
      return full === 'one' ? tooManyOfOne(config) : tooManyOfAll()
    },
  })
  /** For what is over before anything else happens. */
  const scratch: Meter<Queued>[] = []

  observer.gauge(
    'modstead_limit_waiting',
    'Requests and fetches that wait because of a rate.',
    () => asked.waiting() + fetched.waiting(),
  )
  observer.gauge(
    'modstead_limit_meters',
    'Clients that limits count, each for each kind.',
    () => asking.count() + fetching.count(),
  )
  observer.gauge('modstead_cold_running', 'Fetches for clients that run.', gate.inside)
  observer.gauge('modstead_cold_waiting', 'Fetches for clients that wait for their turn.', gate.waiting)

  const metersOf = (from: Counted, client: Client): Meter<Queued>[] => {
    const { place, principal, tenant } = client
    if (isExempt(place.address, principal, tenant)) return []
    const meters: Meter<Queued>[] = []
    from.find(place.network, principal, tenant, now(), meters)
    return meters
  }

  return {
    counted: asking.classes > 0,
    passes(place, principal, tenant, bytes) {
      if (isExempt(place.address, principal, tenant)) return true
      const at = now()
      scratch.length = 0
      asking.find(place.network, principal, tenant, at, scratch)
      return asked.pass(scratch, at, bytes)
    },
    async admit(client, signal) {
      const meters = metersOf(asking, client)
      if (meters.length > 0) await asked.admit(meters, nameOf(client), signal)
    },
    sent(client, bytes) {
      if (bytes > 0) asked.charge(metersOf(asking, client), bytes, now())
    },
    cold: (client) => ({
      async begin(signal) {
        const refused = refuseFetching()
        if (refused !== undefined) throw refused
        const meters = metersOf(fetching, client)
        if (meters.length > 0) await fetched.admit(meters, nameOf(client), signal)
        return gate.enter(nameOf(client), signal)
      },
    }),
  }
}

/** The meters of the classes for which some of these measures have a limit. */
interface Counted {
  readonly classes: number
  find(
    network: string,
    principal: Principal | undefined,
    tenant: string | undefined,
    at: number,
    into: Meter<Queued>[],
  ): void
  count(): number
}

function createCounted(config: LimitsConfig, measures: readonly Measure[]): Counted {
  const metersFor = (kind: LimitedClass, coarser: (key: string) => string): Meters<Queued> | undefined => {
    const gauges = gaugesOf(config[kind], measures)
    return gauges.length === 0 ? undefined : createMeters<Queued>({ kind, gauges, coarser })
  }
  const others = () => 'others'
  const principals = metersFor('principal', others)
  const anonymous = metersFor('anonymous', neighbourhood)
  const addresses = metersFor('address', neighbourhood)
  const tenants = metersFor('tenant', others)
  const all = [principals, anonymous, addresses, tenants].flatMap((meters) => meters ?? [])
  /** Those of principals, which are the same objects for many requests. */
  const known = new WeakMap<Principal, Meter<Queued>>()

  function ofPrincipal(
    meters: Meters<Queued>,
    principal: Principal,
    tenant: string | undefined,
    at: number,
  ): Meter<Queued> {
    let meter = known.get(principal)
    if (meter === undefined || meter.dropped)
      known.set(principal, (meter = meters.of(keyOf(principal, tenant), at)))
    return meter
  }

  return {
    classes: all.length,
    find(network, principal, tenant, at, into) {
      if (principal === undefined || principal.kind === 'anonymous') {
        if (anonymous !== undefined) into.push(anonymous.of(network, at))
      } else if (principals !== undefined) into.push(ofPrincipal(principals, principal, tenant, at))
      if (addresses !== undefined) into.push(addresses.of(network, at))
      if (tenants !== undefined) into.push(tenants.of(tenant ?? '', at))
    },
    count: () => all.reduce((sum, meters) => sum + meters.count(), 0),
  }
}

function gaugesOf(rates: Rates, measures: readonly Measure[]): Gauge[] {
  return measures.flatMap((measure) => {
    const rate = rates[measure]
    return rate === undefined ? [] : [{ measure, rate, before: measure !== 'bytes' }]
  })
}

/** Names of one tenant are nobody's in another. */
function keyOf({ kind, id, tenant }: Principal, site: string | undefined): string {
  return `${tenant ?? site ?? ''} ${kind}:${id}`
}

/** Whose turn it is, among those that wait for the same. */
function nameOf({ place, principal, tenant }: Client): string {
  return principal === undefined || principal.kind === 'anonymous' ? place.network : keyOf(principal, tenant)
}

function createExemption(
  { subjects, networks }: LimitsConfig['exempt'],
  admins: readonly Subject[],
): (address: string, principal: Principal | undefined, tenant: string | undefined) => boolean {
  const list = new BlockList()
  for (const { address, prefix, family } of networks) list.addSubnet(address, prefix, family)
  const addresses = new LRUCache<string, boolean>({ max: REMEMBERED })
  const principals = new WeakMap<Principal, boolean>()

  function isAddressExempt(address: string): boolean {
    let exempt = addresses.get(address)
    if (exempt !== undefined) return exempt
    const version = isIP(address)
    exempt = version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4')
    addresses.set(address, exempt)
    return exempt
  }

  function isPrincipalExempt(principal: Principal): boolean {
    let exempt = principals.get(principal)
    if (exempt === undefined)
      principals.set(principal, (exempt = subjects.some((subject) => isMeant(subject, principal, admins))))
    return exempt
  }

  // Whoever gives names within a tenant must not make somebody exempt by one.
  return (address, principal, tenant) =>
    (subjects.length > 0 &&
      principal !== undefined &&
      (principal.tenant ?? tenant) === undefined &&
      isPrincipalExempt(principal)) ||
    (networks.length > 0 && isAddressExempt(address))
}

function tooManyOfOne({ concurrentCold }: LimitsConfig): ModsteadError {
  return new ModsteadError(
    'rate_limited',
    `this client has ${concurrentCold.client} fetches running, and as many as it may were waiting too long`,
    {
      next: 'ask for less at the same time; who runs this server can raise limits.concurrentCold.client',
      retryAfter: 30,
    },
  )
}

function tooManyOfAll(): ModsteadError {
  return new ModsteadError('overloaded', 'more has to be fetched for clients than this server has room for', {
    next: 'ask again in half a minute; what is stored is served meanwhile',
    retryAfter: 30,
  })
}
