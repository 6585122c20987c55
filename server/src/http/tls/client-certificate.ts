import type { TLSSocket } from 'node:tls'
import type { ClientCertificate } from '../../access/certificates/client-certificate.ts'

/** What the client of a connection presented in its handshake; `undefined` for none. */
export function clientCertificateOf(
  socket: TLSSocket,
  trustDomain: string | undefined,
): ClientCertificate | undefined {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return undefined
  const code = socket.authorized ? undefined : codeOf(socket.authorizationError)
  return {
    certificate,
    ...(code !== undefined && { problem: problemOf(code), expired: code === 'CERT_HAS_EXPIRED' }),
    ...(trustDomain !== undefined && { trustDomain }),
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error)
}

/** In words what OpenSSL found wrong. Its code is not shown to strangers: it tells of the authorities of this server. */
function problemOf(code: string): string {
  return PROBLEMS[code] ?? 'was issued by nobody whom this server trusts for clients'
}

const PROBLEMS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has ended, or one of its authorities has',
  CERT_NOT_YET_VALID: 'is not valid yet, or one of its authorities is not',
  CERT_REVOKED: 'was revoked',
  INVALID_PURPOSE: 'is not one for clients (extended key usage)',
  UNABLE_TO_GET_CRL: 'is of an authority whose list of revoked certificates this server does not have',
  CRL_HAS_EXPIRED: 'cannot be compared with a current list of revoked certificates',
  CRL_NOT_YET_VALID: 'cannot be compared with a current list of revoked certificates',
}
