import { readFileSync } from 'node:fs'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { ModsteadError } from '../errors.ts'

/** Whom we trust over TLS, and who we are to them. */
export interface Trust {
  /** For connections to the configured host: may carry the client certificate. */
  ownHost(): SecureContext
  /** For every other host that a redirect or a proxy leads to: never carries it. */
  otherHosts(): SecureContext
}

export interface TrustOptions {
  /** The configured name of the origin, for messages. */
  name: string
  /** PEM file with authorities trusted besides those of Node and of the system. */
  ca?: string
  /** PEM files. */
  certificate?: { cert: string; key: string }
}

/** Reads the files now; throws `config_invalid` where one cannot be read or does not hold what it should. */
export function createTrust(options: TrustOptions): Trust {
  const { name, certificate } = options
  const extra = options.ca === undefined ? [] : [readPem(name, options.ca)]
  const identity = certificate && {
    cert: readPem(name, certificate.cert),
    key: readPem(name, certificate.key),
  }
  if (extra.length > 0 || identity !== undefined) check(name, { ca: extra, ...identity })
  // Parsing the system's authorities takes tens of milliseconds: only for who speaks TLS, and then once.
  let other: SecureContext | undefined
  let own: SecureContext | undefined
  const otherHosts = (): SecureContext =>
    (other ??=
      extra.length === 0 ? systemContext() : createSecureContext({ ca: [...systemAuthorities(), ...extra] }))
  return {
    otherHosts,
    ownHost() {
      if (identity === undefined) return otherHosts()
      return (own ??= createSecureContext({ ca: [...systemAuthorities(), ...extra], ...identity }))
    },
  }
}

let sharedAuthorities: string[] | undefined
let sharedContext: SecureContext | undefined

function systemAuthorities(): string[] {
  return (sharedAuthorities ??= [
    ...new Set([...getCACertificates('default'), ...getCACertificates('system')]),
  ])
}

function systemContext(): SecureContext {
  return (sharedContext ??= createSecureContext({ ca: systemAuthorities() }))
}

function readPem(name: string, file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ModsteadError('config_invalid', `the file ${file} of origin ${name} cannot be read`, { cause })
  }
  if (text.includes('-----BEGIN ')) return text
  throw new ModsteadError('config_invalid', `the file ${file} of origin ${name} is not a PEM file`)
}

function check(name: string, pem: { ca: string[]; cert?: string; key?: string }): void {
  try {
    createSecureContext(pem)
  } catch (cause) {
    const message = `the certificates of origin ${name} cannot be used: ${cause instanceof Error ? cause.message : ''}`
    throw new ModsteadError('config_invalid', message, { cause })
  }
}
