import type { X509Certificate } from 'node:crypto'

/** What a connection presented in its handshake. */
export interface ClientCertificate {
  certificate: X509Certificate
  /**
   * Why it proves nobody, for a sentence that begins with "the client certificate of the connection". Absent: it was
   * signed by an authority of its listener, was not revoked as far as a list says, and was valid when it was shown.
   */
  problem?: string
  /** The problem is that its time is over. */
  expired?: boolean
  /** The SPIFFE trust domain whose authorities it was verified with; absent: those of `tls.clientCa`. */
  trustDomain?: string
}

/** The certificates of open connections; those without one are not in it. */
export type CertificatesByConnection = WeakMap<object, ClientCertificate>
