import type { Subject } from '../access/access-config.ts'
import type { Network } from '../config.ts'

/** What clients may take, and what this server takes upon itself. Durations are milliseconds, sizes bytes. */
export interface LimitsConfig {
  /** Each somebody who has proven who they are. */
  principal: Rates
  /** Each address, of those who have not. */
  anonymous: Rates
  /** Each address, whoever asks from there. */
  address: Rates
  /** All clients of a tenant together; without tenants all there are. */
  tenant: Rates
  /** Whom nothing of this holds for. */
  exempt: { subjects: readonly Subject[]; networks: readonly Network[] }
  /** How long a request that is too much waits for its turn before it is refused. */
  queue: number
  /** Cold fetches at a time: for one client, and for all of them together. */
  concurrentCold: { client: number; all: number }
  /** When nothing new is fetched any more. Absent: nobody looks. */
  degraded?: DegradedMarks
}

/** So much within so long. */
export interface Rate {
  /** Requests, bytes or fetches. */
  amount: number
  window: number
}

/** `cold` is what has to be fetched, because it is not stored. An absent one is no limit. */
export interface Rates {
  requests?: Rate
  bytes?: Rate
  cold?: Rate
}

export type LimitedClass = 'principal' | 'anonymous' | 'address' | 'tenant'
export type Measure = keyof Rates
export const CLASSES: readonly LimitedClass[] = ['principal', 'anonymous', 'address', 'tenant']
export const MEASURES: readonly Measure[] = ['requests', 'bytes', 'cold']

/** What is too much for this server; each is looked at where it is there. */
export interface DegradedMarks {
  /** How late the event loop is: of a hundred turns the slowest but one, within some seconds. */
  eventLoop?: number
  /** Bytes of memory of the process, as the system counts them. */
  memory?: number
  /** Until an answer begins, for half of those within ten seconds that memory did not have. */
  requestTime?: number
}
