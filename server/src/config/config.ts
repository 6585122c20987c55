import type { ModulePath } from '@modstead/gomod/path'
import type { AccessConfig } from './access/access-config.ts'
import type { LimitsConfig } from './limits/limits-config.ts'
import type { AuditConfig } from './audit/audit-config.ts'
import type { SHORTHAND } from './permissions.ts'

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
  /** Absent: headers that claim an address of a client mean nothing. */
  trustedProxies?: TrustedProxies
  dataDir: string
  /** Bytes of ready answers kept in memory. */
  memory: number
  /** Bytes that clones of repositories may take on disk, all together. */
  clones: number
  origins: ReadonlyMap<string, OriginConfig>
  /** Names of the origins of type `upload`: what is published for routes that name one is kept here. */
  uploads: readonly string[]
  /** Who may publish, delete and audit. Without any, and without `access`, nobody may. */
  tokens: readonly TokenConfig[]
  /** Absent: reading is open to everybody, and only `tokens` prove anything. */
  access?: AccessConfig
  /** Absent: nothing is recorded. */
  audit?: AuditConfig
  /** What the word `direct` at the end of an origin list means: it is in no other way an origin. */
  direct: GitOriginConfig
  /** First match wins. There is always a last route that matches everything. */
  routes: readonly RouteConfig[]
  sumdb: readonly SumdbConfig[]
  /** Absent: there is no log of our own. */
  checksumLog?: ChecksumLogConfig
  /** First match wins. */
  vanity: readonly VanityRule[]
  /** Push hooks by name. */
  hooks: ReadonlyMap<string, HookConfig>
  /** What `latest` is for some modules: the first that matches and has begun holds. */
  versions: readonly VersionMapEntry[]
  /** Whether the query `stable` is answered by the version promoted last. */
  stableQuery: boolean
  mirror?: MirrorConfig
  /** In the order of the file. */
  tenants: readonly TenantConfig[]
  lookAhead: LookAheadConfig
  limits: LimitsConfig
  log: LogConfig
  /** How long running requests may take to finish after SIGTERM. */
  shutdownGrace: number
}

/** Somebody with modules, access and rules of their own on this server. */
export interface TenantConfig {
  /** Of a-z, 0-9 and `-`, 32 characters at most. */
  name: string
  /** Host names at which everything is this tenant's, in lower case, without ports. */
  hosts: readonly string[]
  /** Where its private modules are kept. */
  realm: string
  /** It may use the origins of the top level, with their credentials. */
  inheritsOrigins: boolean
  /** It says itself what `direct` is. */
  ownsDirect: boolean
  /** The last of its routes is that for `*` of the top level, with the origins of that. */
  followsRoot: boolean
  quotas: { bytes?: number }
  /** Its configuration as if it were the only one, at the root of a server of its own. */
  site: Config
}

/** What `latest` is for the modules under some patterns. */
export interface VersionMapEntry {
  /** GOPRIVATE-style patterns. */
  modules: readonly string[]
  /** `LATEST`, `STABLE` (the version promoted last), or a canonical version. */
  version: string
  /** Milliseconds since the epoch, or -Infinity: it holds from then on. */
  from: number
  /** Zips of other versions are refused. */
  enforce: boolean
}

/** An empty `host` means every address of the machine. Port 0 asks the system for a free one. */
export type ListenAddress = { host: string; port: number } | { socket: string }

export interface TlsConfig {
  cert: string
  key: string
  /** Absent: the key is not encrypted. */
  keyPassword?: string
  minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** Listeners that ask for client certificates: nobody else does. Absent: there are none. */
  clients?: readonly ClientListener[]
}

/** Where clients are asked for a certificate, and whose certificates are taken there. */
export interface ClientListener {
  listen: readonly ListenAddress[]
  /** PEM files. */
  ca: string
  crl?: string
  /** The authorities are those of this SPIFFE trust domain. */
  trustDomain?: string
}

/** Reverse proxies that are believed when they say for whom they ask. */
export interface TrustedProxies {
  /** An address alone is a network of itself. */
  networks: readonly Network[]
  /** Whoever connects through a Unix socket. */
  unix: boolean
  /** The header they say it in: the de facto one, or that of RFC 7239. */
  header: 'x-forwarded-for' | 'forwarded'
  /** They overwrite X-Forwarded-Host and X-Forwarded-Proto, which are believed then. */
  forwardedHost: boolean
}

export interface Network {
  address: string
  /** Bits of the address that count. */
  prefix: number
  family: 'ipv4' | 'ipv6'
}

export type OriginConfig = GoproxyOriginConfig | GitOriginConfig

/** Another module proxy: a base URL of `https:`, `http:` or `file:`. */
export interface GoproxyOriginConfig {
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
  may: readonly TokenRight[]
}

/** What `may` can say. */
export type TokenRight = keyof typeof SHORTHAND

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

/** Repositories: found as `go` finds them, or named by `repositories`. */
export interface GitOriginConfig {
  name: string
  type: 'git'
  /**
   * Hosts that may have any address, and that credentials without `for` are for: `git.corp.example`,
   * `*.corp.example`, `git.corp.example:8443`. Without a port the usual one of the scheme is meant.
   */
  hosts: readonly string[]
  /** In the order of the file. */
  repositories: readonly RepositoryMapping[]
  /** In the order of the file, so that messages can name an entry by its number. */
  credentials: readonly GitCredentials[]
  timeouts: GitTimeouts
  /** Connections to one host at most, for all that is asked over http: pages, tokens, refs and packs. */
  connections: number
  /** Largest things accepted, in bytes. `repository` is what one clone may take on disk. */
  limits: { page: number; mod: number; zip: number; repository: number }
}

/** Where the repositories of the modules under a pattern are. */
export interface RepositoryMapping {
  /** A pattern as in GOPRIVATE. The repository is at the first elements of a module path, as many as it has. */
  pattern: string
  /** `https:`, `http:`, `ssh:` or `file:`, without credentials; `{path}` stands for what the pattern left open. */
  url: string
}

/** Those of one request (a page or a token), and those of git. */
export interface GitTimeouts extends OriginTimeouts {
  /** One run of git that fetches, whole. `idle` is how long it may be silent. */
  fetch: number
}

/** One entry of `credentials`: what is shown to the hosts it is for. */
export interface GitCredentials {
  /** `host`, `host:port` or either with a path; absent: every one of `hosts`. */
  for?: string
  login?: GitLogin
  /** PEM files: a client certificate. */
  certificate?: { cert: string; key: string }
  /** PEM file with authorities trusted besides the system's. */
  ca?: string
}

/** A secret as it stands, or the file that holds it, which is read each time it is needed. */
export type Secret = { text: string } | { file: string }

export type GitLogin =
  | { kind: 'token'; token: Secret; scheme: 'basic' | 'bearer' }
  | { kind: 'basic'; username: string; password: Secret }
  | { kind: 'netrc'; file: string }
  | { kind: 'ssh'; key: string; knownHosts: string }
  | {
      kind: 'oauth2'
      tokenUrl: string
      clientId: string
      clientSecret: Secret
      scope?: string
      scheme: 'basic' | 'bearer'
    }
  | { kind: 'githubApp'; appId: string; privateKey: string; installationId?: string; apiUrl?: string }

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
  /** Shares of modules for which an origin is asked first, by its name; absent: the first of `from` for all. */
  weights?: Readonly<Record<string, number>>
  /** Host names, with `*` for any part of one label, that repositories of these modules may be at; absent: any. */
  hosts?: readonly string[]
  /** Names under these patterns are never sent to a public origin or checksum database. */
  private: boolean
  /** Name of the checksum database that must prove each version, or `off`. */
  checksum: string
  lookAhead: boolean
  /** `false`: its versions are not entered into `checksumLog`. */
  log?: boolean
  /** How long a list or query answer is fresh. */
  fresh: number
  /** For how long after that it is given at once while it is renewed in the background. */
  staleWhileRevalidate: number
  /** How long absence is remembered. */
  absent: number
}

/** A checksum database of our own. */
export interface ChecksumLogConfig {
  name: string
  /** Signer key, `PRIVATE+KEY+name+hash+base64`. */
  key: string
  /** The verifier key that belongs to it. */
  verifierKey: string
  /** Signer keys of the same name, which sign too. */
  previousKeys: readonly string[]
  /** Absolute path of the file that holds the high-water mark; absent: beside the log. */
  highWater?: string
  witnesses: readonly WitnessConfig[]
}

/** Somebody else who signs the heads of our log, once they have seen that it only grew. */
export interface WitnessConfig {
  /** Verifier key for its cosignatures. */
  key: string
  url: string
}

export interface SumdbConfig {
  name: string
  /** Verifier key, `name+hash+base64`. */
  key: string
  /** Base URL to ask; absent: through the origins that support it, as `go` does, then `https://<name>`. */
  url?: string
}

/**
 * Import paths of a host of ours, and the repositories they stand for. In the texts, `{path}` is what a pattern matched
 * from its first wildcard on, and `{1}`, `{2}` … are the elements that its wildcards matched.
 */
export interface VanityRule {
  /** GOPRIVATE-style patterns. What one matches is the root of a repository. */
  modules: readonly string[]
  /** URL of `https:`, `http:`, `ssh:` or `git+ssh:` for git. */
  repository: string
  /** Where in the repository the root lies; `''` at its top. */
  subdirectory: string
  /** How pages link to sources: as a product does it, or by the texts of a go-source tag. */
  source: 'none' | 'gitlab' | 'github' | 'gitea' | VanitySource
}

/** Texts of a go-source tag: `directory` has `{/dir}` or `{dir}` left in it, `file` also `{file}` and `{line}`. */
export interface VanitySource {
  home: string
  directory: string
  file: string
}

export interface HookConfig {
  name: string
  /** Whose payloads and signatures it takes; `gitea` is Forgejo too, `generic` our own form. */
  type: 'gitlab' | 'github' | 'gitea' | 'generic'
  secret: string
}

/** Repositories that are kept whole. */
export interface MirrorConfig {
  modules: readonly ModulePath[]
  /** How often they are looked at. */
  every: number
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
