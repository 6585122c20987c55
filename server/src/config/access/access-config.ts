import type { BuiltInGroup, Permission } from '../permissions.ts'
import type { LdapConfig } from './ldap.ts'

/** Who may sign in, and what they may do. Durations are milliseconds, files absolute paths. */
export interface AccessConfig {
  /** GOPRIVATE-style patterns of what is read without credentials, as far as it is not private. */
  anonymous: readonly string[]
  /** An htpasswd file; absent: nobody signs in with a password. */
  htpasswd?: string
  /** A directory of users and groups. */
  ldap?: LdapConfig
  /** Names of the groups of each user. */
  groups: ReadonlyMap<string, readonly string[]>
  /** The members of `$admins`. */
  admins: readonly Subject[]
  /** Roles of the configuration, which may take the place of none that every modstead has. */
  roles: ReadonlyMap<string, readonly Permission[]>
  bindings: readonly Binding[]
  issuers: readonly JwtIssuer[]
  /** Where people sign in with the browser. */
  oidc: readonly OidcProvider[]
  /** Asked who may read private modules whose repositories are there; the first that has a module. */
  gitHosts: readonly GitHost[]
  /** The first that fits names the client of a certificate. */
  certificates: readonly CertificateRule[]
  issued: IssuedConfig
  workloads: readonly WorkloadIssuer[]
  /** For how long a password that was right is not computed again, and a JWT not verified again. */
  remember: number
  lockout: Lockout
}

/** Whom a binding is for. */
export type Subject =
  | { kind: 'user' | 'service' | 'workload' | 'group'; name: string }
  | { kind: 'everybody'; name: BuiltInGroup }

export interface Binding {
  to: readonly Subject[]
  role: string
  /** GOPRIVATE-style patterns; absent: every module, and what is about none. */
  modules?: readonly string[]
}

/** Somebody else whose JSON Web Tokens are taken. */
export interface JwtIssuer {
  /** Name in the configuration. */
  name: string
  /** `iss`, exactly. */
  issuer: string
  /** One of these must be in `aud`. */
  audience: readonly string[]
  /** A token of another `alg` is refused whatever it says: either those of a secret, or those of public keys. */
  algorithms: readonly string[]
  keys: { kind: 'secret'; secret: string } | { kind: 'jwks'; url: string } | { kind: 'file'; path: string }
  /** How far the clocks may differ. */
  clockSkew: number
  /** Claims that must be there, with this value where one is given. */
  require: ReadonlyMap<string, string | undefined>
  /** The claims that name the bearer and the groups. */
  subject: string
  groups: string
  /** What its bearers are. */
  kind: 'user' | 'service' | 'workload'
}

/** An OpenID Connect issuer where people sign in with the browser. */
export interface OidcProvider {
  /** Name in the configuration, and in the address that it sends browsers back to. */
  name: string
  /** What the button says. */
  label: string
  type: 'gitlab' | 'keycloak' | 'generic'
  /** Exactly as it names itself: https, or http on loopback. */
  issuer: string
  clientId: string
  clientSecret?: string
  clientAuth: 'basic' | 'post'
  scopes: readonly string[]
  /** The claim with the name of the user. */
  subject: string
  /** Put before names of users and groups; `''` for nothing. */
  userPrefix: string
  groupPrefix: string
  /** Claims that list groups: `realm_access.roles` is `roles` within `realm_access`. */
  groups: readonly string[]
  /** Claims that must be there, with this value where one is given. */
  require: ReadonlyMap<string, string | undefined>
  /** Whether the userinfo endpoint is asked for claims. */
  userinfo: boolean
  /** A PEM file. */
  ca?: string
}

/** The access tokens and sessions of our own. Durations are milliseconds. */
export interface IssuedConfig {
  /** Of an access token of a session. */
  lifetime: number
  /** Of a session that is not refreshed. */
  refresh: number
  /** After this time a new key signs. */
  rotate: number
  /** How long a session goes on while its provider cannot be asked. */
  outage: number
  algorithm: 'HS256' | 'HS384' | 'HS512'
  /** Secrets to sign with, the newest first; absent: modstead makes its own. */
  keys?: readonly string[]
}

/** Somebody who gives tokens to jobs and machines, which are exchanged here for our own. */
export interface WorkloadIssuer {
  /** Name in the configuration. */
  name: string
  type: 'gitlab' | 'github' | 'kubernetes' | 'generic'
  /** `iss`, exactly. */
  issuer: string
  /** One of these must be in `aud`. */
  audience: readonly string[]
  /** Those of public keys only. */
  algorithms: readonly string[]
  /** `ca` is a PEM file. */
  keys:
    | { kind: 'discovery'; ca?: string }
    | { kind: 'jwks'; url: string; ca?: string }
    | { kind: 'file'; path: string }
  /** How far the clocks may differ. */
  clockSkew: number
  /** Claims that must be there whatever the rules say: none. */
  require: ReadonlyMap<string, string | undefined>
  /** The first that fits counts. */
  rules: readonly WorkloadRule[]
}

export interface WorkloadRule {
  /** Claims by name, and patterns of which one has to fit. */
  when: ReadonlyMap<string, readonly string[]>
  /** `name` has names of claims in braces. */
  as: { kind: 'workload' | 'service'; name: string }
  groups: readonly string[]
  /** Absent: all that the bindings say. */
  permissions?: readonly Permission[]
  /** GOPRIVATE-style patterns; absent: all that the bindings say. */
  modules?: readonly string[]
  lifetime: number
  /** It holds as long as the token that was exchanged. */
  untilTokenEnds: boolean
}

/** So many different wrong passwords for a user, or from an address, `within` a time close it for a time. */
export interface Lockout {
  secrets: number
  within: number
  closed: number
  /** Addresses are closed too: not where all requests come from one reverse proxy. */
  addresses: boolean
}

/** Whom a client certificate names. */
export interface CertificateRule {
  match: NameMatch
  /** In `name`, `{1}` is what the first star of the pattern stood for, `{0}` the whole name. */
  as: { kind: 'user' | 'service' | 'workload'; name: string }
  /** Names of groups, with the same braces. */
  groups: readonly string[]
}

/** A name of a certificate: hosts in lower case, `*` for one part of it. */
export type NameMatch =
  | { kind: 'subject'; attributes: ReadonlyMap<string, readonly string[]> }
  | { kind: 'dns' | 'email' | 'uri'; pattern: string }

/** Where repositories are, and who knows who may read them. */
export interface GitHost {
  /** Name in the configuration. */
  name: string
  type: 'gitlab' | 'github' | 'gitea'
  /** Of GitHub that of the API; without a slash at its end. */
  url: string
  token: string
  /** PEM file. */
  ca?: string
  /** GOPRIVATE-style patterns. */
  modules: readonly string[]
  /** In the order of the file. `path` has `{path}` for what the pattern left open. */
  repositories: readonly { pattern: string; path: string }[]
  /** Elements that the path of a repository has; absent: any number from two on. */
  depth?: number
  account: {
    /** Absent: the name of the user. */
    claim?: string
    /** By `user:NAME`, `service:NAME` and `workload:NAME`. */
    map: ReadonlyMap<string, string>
  }
  /** Whether a binding lets read as well, or is needed besides what the host says. */
  bindings: 'also' | 'needed'
  /** How long a yes counts. */
  remember: number
  whenDown: 'refuse' | 'lastKnown'
}
