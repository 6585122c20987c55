import { ModsteadError, type ErrorCode, type ErrorDetails } from '../errors.ts'

/** Whom a message is about: a host, and what it is to us. */
export interface Peer {
  /** As messages show it: `proxy.golang.org (origin public)`. */
  readonly label: string
  /** The configured name, where it is an origin. */
  readonly origin?: string
}

/** What a host is asked for: to serve modules, or records of a checksum database. */
export interface Role {
  readonly kind: 'origin' | 'checksum database'
  /** The name it has in the configuration. */
  readonly name: string
}

/** `host` in its role. The role is not repeated where the host has the same name. */
export function peer(role: Role, host: string): Peer {
  const label = host === role.name ? host : `${host} (${role.kind} ${role.name})`
  return role.kind === 'origin' ? { label, origin: role.name } : { label }
}

export function failure(
  code: ErrorCode,
  peer: Peer,
  sentence: string,
  details: ErrorDetails = {},
): ModsteadError {
  const origin = peer.origin === undefined ? {} : { origin: peer.origin }
  return new ModsteadError(code, `${peer.label} ${sentence}`, { ...origin, ...details })
}

/** `phase` says in a few words what was waited for; `ms` is the deadline that passed. */
export function timedOut(peer: Peer, phase: string, ms: number): ModsteadError {
  return failure('upstream_timeout', peer, `did not answer within ${duration(ms)} (${phase})`)
}

/** A failure of the transport: a name without address, a refused or broken connection, a certificate not trusted. */
export function unreachable(peer: Peer, cause: unknown): ModsteadError {
  const code = errorCode(cause)
  const known = KNOWN_CAUSES.get(code)
  if (known !== undefined) return failure('upstream_unreachable', peer, known, { cause })
  if (isCertificateProblem(code)) {
    const next = `add its authority to the "ca" of the ${peer.origin === undefined ? 'database' : 'origin'}, or correct its certificate`
    const sentence = `has a certificate that cannot be trusted (${code})`
    return failure('upstream_unreachable', peer, sentence, { cause, next })
  }
  return failure('upstream_unreachable', peer, `cannot be reached${code === '' ? '' : ` (${code})`}`, {
    cause,
  })
}

/** The code of a system or TLS error; where every address of a host failed, that of the first. */
export function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return ''
  if (error instanceof AggregateError && error.errors.length > 0) return errorCode(error.errors[0])
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** A duration as people write it. */
export function duration(ms: number): string {
  if (ms < 1000) return `${ms} ms`
  return ms < 120_000 ? `${Number((ms / 1000).toFixed(1))} s` : `${Number((ms / 60_000).toFixed(1))} min`
}

const KNOWN_CAUSES = new Map([
  ['ENOTFOUND', 'has no address: its name is not known'],
  ['EAI_AGAIN', 'has no address now: the name server does not answer'],
  ['ECONNREFUSED', 'refuses connections'],
  ['ECONNRESET', 'broke the connection'],
  ['EPIPE', 'broke the connection'],
  ['EHOSTUNREACH', 'cannot be reached: there is no route to it'],
  ['ENETUNREACH', 'cannot be reached: there is no route to its network'],
  ['ETIMEDOUT', 'cannot be reached: the connection timed out'],
  ['UND_ERR_SOCKET', 'closed the connection'],
])

/** Whether this code of a TLS error says that the certificate of the other side is not good enough. */
export function isCertificateProblem(code: string): boolean {
  return /^(ERR_TLS_CERT|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|INVALID_CA|INVALID_PURPOSE|HOSTNAME_)/.test(
    code,
  )
}
