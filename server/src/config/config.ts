/**
 * The configuration as the rest of the server sees it: validated, defaults filled in, references resolved, frozen.
 * Durations are milliseconds, sizes bytes, files absolute paths.
 */
export interface Config {
  listen: readonly ListenAddress[]
  /** Where clients reach us, without a trailing slash; absent: the listen address. */
  publicUrl?: string
  /** `''`, or like `/goproxy`: the module endpoints live below it. */
  pathPrefix: string
  tls?: TlsConfig
  dataDir: string
  /** Bytes of ready answers kept in memory. */
  memory: number
  origins: ReadonlyMap<string, OriginConfig>
  /** Names of the origins of type `upload`: what is published for routes that name one is kept here. */
  uploads: readonly string[]
  /** Who may publish and delete. Without any, nobody may. */
  tokens: readonly TokenConfig[]
  /** First match wins. There is always a last route that matches everything. */
  routes: readonly RouteConfig[]
  sumdb: readonly SumdbConfig[]
  lookAhead: LookAheadConfig
  log: LogConfig
  /** How long running requests may take to finish after SIGTERM. */
  shutdownGrace: number
}

/** An empty `host` means every address of the machine. Port 0 asks the system for a free one. */
export type ListenAddress = { host: string; port: number } | { socket: string }

export interface TlsConfig {
  cert: string
  key: string
  minVersion: 'TLSv1.2' | 'TLSv1.3'
}

/** Another module proxy: a base URL of `https:`, `http:` or `file:`. */
export interface OriginConfig {
  name: string
  type: 'goproxy'
  url: string
  credentials?: OriginCredentials
  /** PEM file with authorities trusted besides the system's. */
  ca?: string
  timeouts: OriginTimeouts
  /** Connections at most, all requests together. */
  connections: number
  /** Tries at most of one request, the first included: 1 to 3. */
  tries: number
  /** Largest answers accepted, in bytes. */
  limits: { list: number; info: number; mod: number; zip: number }
}

export interface TokenConfig {
  name: string
  token: string
  may: readonly Permission[]
}

export type Permission = 'publish' | 'delete'

export type OriginCredentials =
  | { kind: 'basic'; username: string; password: string }
  | { kind: 'bearer'; token: string }
  | { kind: 'netrc'; file: string }
  | { kind: 'clientCertificate'; cert: string; key: string }

/** Each phase of one try; `total` bounds the whole request with all its tries and its body. */
export interface OriginTimeouts {
  lookup: number
  connect: number
  tls: number
  headers: number
  idle: number
  total: number
}

/** One entry of an origin list. `then` says what lets the next entry be asked: `,` is `absent`, `|` is `any`. */
export interface RouteEntry {
  /** Name of an origin, or `direct` or `off`, which no origin is named and which end a list. */
  origin: string
  then: 'absent' | 'any'
}

export interface RouteConfig {
  /** GOPRIVATE-style patterns. */
  modules: readonly string[]
  from: readonly RouteEntry[]
  /** Names under these patterns are never sent to a public origin or checksum database. */
  private: boolean
  /** Name of the checksum database that must prove each version, or `off`. */
  checksum: string
  lookAhead: boolean
  /** How long a list or query answer is fresh. */
  fresh: number
  /** For how long after that it is given at once while it is renewed in the background. */
  staleWhileRevalidate: number
  /** How long absence is remembered. */
  absent: number
}

export interface SumdbConfig {
  name: string
  /** Verifier key, `name+hash+base64`. */
  key: string
  /** Base URL to ask; absent: through the origins that support it, as `go` does, then `https://<name>`. */
  url?: string
}

export interface LookAheadConfig {
  /** Speculative requests in flight at most. 0 switches it off. */
  concurrency: number
  /** Bytes of zips fetched ahead and not yet asked for, at most. */
  bytes: number
  /** Requirements followed from a go.mod that was asked for, at most this deep. */
  depth: number
}

export interface LogConfig {
  level: 'debug' | 'info' | 'warn' | 'error'
  /** `auto`: lines for people on a terminal, JSON elsewhere. */
  format: 'auto' | 'json' | 'text'
  /** One line for each request, warm ones included. */
  requests: boolean
}
