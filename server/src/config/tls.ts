import { z } from 'zod'
import { formatListenAddress } from './address.ts'
import type { ClientListener, Config, ListenAddress, TlsConfig } from './config.ts'
import { type BuildContext, complain, pemFile } from './context.ts'
import { choice, listenAddresses, path, secret } from './fields.ts'
import type { KeyPath } from './problems.ts'
import { HIDDEN, resolveSecret } from './secrets.ts'

const trustDomain = z.strictObject({
  ca: path('a PEM file').describe('The authorities of the trust domain, and of no other, PEM.'),
  listen: listenAddresses().describe('Where those are asked for their certificate who are in it.'),
})

export const tlsSchema = z.strictObject({
  cert: path('a PEM file').describe(
    'Certificate chain of the server, PEM, the server’s own first. It and the key are read again when they change.',
  ),
  key: path('a PEM file').describe('Private key of that certificate, PEM.'),
  keyPassword: secret('the password of the key')
    .optional()
    .describe('Password of the key, where it is encrypted.'),
  minVersion: choice(['TLSv1.2', 'TLSv1.3'])
    .prefault('TLSv1.2')
    .describe('Oldest protocol version that is accepted.'),
  clientCa: path('a PEM file')
    .optional()
    .describe(
      'Authorities whose client certificates are taken at `clientListen`, PEM. Read again when it changes.',
    ),
  clientCrl: path('a PEM file')
    .optional()
    .describe('Lists of what each of these authorities has revoked, PEM. Read again when it changes.'),
  clientListen: listenAddresses()
    .optional()
    .describe(
      'Where clients are asked for a certificate; without one they are as elsewhere. Nobody is asked at `listen`.',
    ),
  trustDomains: z
    .record(z.string().regex(/^[a-z0-9._-]+$/), trustDomain)
    .optional()
    .describe('SPIFFE trust domains by name, each with its authorities and an address of its own.'),
})

/** `tls` of the file with its references followed. */
export async function buildTls(
  context: BuildContext,
  file: z.output<typeof tlsSchema> | undefined,
): Promise<TlsConfig | undefined> {
  if (file === undefined) return undefined
  const at = (...keys: string[]): KeyPath => ['tls', ...keys]
  const { keyPassword } = file
  const clients = await buildClients(context, file)
  return {
    cert: await pemFile(context, at('cert'), file.cert),
    key: await pemFile(context, at('key'), file.key),
    ...(keyPassword !== undefined && {
      keyPassword: await resolveSecret(context, at('keyPassword'), keyPassword),
    }),
    minVersion: file.minVersion,
    ...(clients.length > 0 && { clients }),
  }
}

async function buildClients(
  context: BuildContext,
  file: z.output<typeof tlsSchema>,
): Promise<ClientListener[]> {
  const { clientCa, clientCrl, clientListen, trustDomains = {} } = file
  const clients: ClientListener[] = []
  const addresses = (path: KeyPath, listen: readonly ListenAddress[]): readonly ListenAddress[] => {
    if (listen.some((address) => 'socket' in address))
      complain(
        context,
        path,
        'expected addresses with ports: whoever connects to a socket file is on this machine',
      )
    return listen
  }
  for (const key of ['clientListen', 'clientCrl'] as const)
    if (file[key] !== undefined && clientCa === undefined)
      complain(context, ['tls', key], 'has a meaning beside clientCa only')
  if (clientCa !== undefined) {
    const ca = await pemFile(context, ['tls', 'clientCa'], clientCa)
    if (clientListen === undefined)
      context.warn(
        'tls.clientCa has no effect: tls.clientListen says where clients are asked for a certificate',
      )
    else
      clients.push({
        listen: addresses(['tls', 'clientListen'], clientListen),
        ca,
        ...(clientCrl !== undefined && { crl: await pemFile(context, ['tls', 'clientCrl'], clientCrl) }),
      })
  }
  for (const [name, { ca, listen }] of Object.entries(trustDomains)) {
    const path = ['tls', 'trustDomains', name]
    clients.push({
      listen: addresses([...path, 'listen'], listen),
      ca: await pemFile(context, [...path, 'ca'], ca),
      trustDomain: name,
    })
  }
  return clients
}

/** Certificates that nobody asks for, or that say nothing. */
export function warnOfCertificates(
  context: BuildContext,
  { tls, access }: Pick<Config, 'tls' | 'access'>,
): void {
  const asked = (tls?.clients ?? []).length > 0
  const ruled = (access?.certificates ?? []).length > 0
  if (ruled && !asked)
    context.warn(
      'access.certificates has no effect: tls.clientListen or tls.trustDomains says where clients are asked',
    )
  if (asked && !ruled)
    context.warn('no client certificate names anybody: access.certificates says whom they name')
}

/** `tls` as a file would say it. */
export function describeTls({ keyPassword, clients = [], ...tls }: TlsConfig): Record<string, unknown> {
  const own = clients.find(({ trustDomain }) => trustDomain === undefined)
  const domains = clients.filter(({ trustDomain }) => trustDomain !== undefined)
  const listen = (client: ClientListener) => client.listen.map(formatListenAddress)
  return {
    ...tls,
    ...(keyPassword !== undefined && { keyPassword: HIDDEN }),
    ...(own && {
      clientCa: own.ca,
      ...(own.crl !== undefined && { clientCrl: own.crl }),
      clientListen: listen(own),
    }),
    ...(domains.length > 0 && {
      trustDomains: Object.fromEntries(
        domains.map((client) => [client.trustDomain, { ca: client.ca, listen: listen(client) }]),
      ),
    }),
  }
}
