/** Certificates for tests, made afresh by `openssl`. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TestCertificates {
  /** PEM file of an authority that nobody else trusts. */
  readonly ca: string
  /** Its PEM text. */
  readonly authority: string
  /** PEM texts of a server that is `localhost`, `127.0.0.1`, `mirror.test`, `other.test`, `public.test` and `*.corp.test`. */
  readonly server: { cert: string; key: string }
  /** PEM files of a client. */
  readonly client: { cert: string; key: string }
  remove(): void
}

export function makeCertificates(): TestCertificates {
  const folder = mkdtempSync(join(tmpdir(), 'modstead-certificates-'))
  const at = (name: string): string => join(folder, name)
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const ca = at('ca.pem')
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    at('ca.key'),
    '-out',
    ca,
    '-days',
    '2',
    '-subj',
    '/CN=test authority',
  )
  const issue = (name: string, extensions: string): { cert: string; key: string } => {
    const files = { cert: at(`${name}.pem`), key: at(`${name}.key`) }
    writeFileSync(at('extensions'), extensions)
    openssl('req', ...key, '-keyout', files.key, '-out', at('request'), '-subj', `/CN=${name}`)
    const signing = [
      '-CA',
      ca,
      '-CAkey',
      at('ca.key'),
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      at('extensions'),
    ]
    openssl('x509', '-req', '-in', at('request'), '-out', files.cert, ...signing)
    return files
  }
  const server = issue(
    'server',
    'subjectAltName=DNS:localhost,IP:127.0.0.1,DNS:mirror.test,DNS:other.test,DNS:*.corp.test,DNS:public.test\n',
  )
  const client = issue('client', 'extendedKeyUsage=clientAuth\n')
  return {
    ca,
    authority: readFileSync(ca, 'utf8'),
    server: { cert: readFileSync(server.cert, 'utf8'), key: readFileSync(server.key, 'utf8') },
    client,
    remove: () => rmSync(folder, { recursive: true }),
  }
}
