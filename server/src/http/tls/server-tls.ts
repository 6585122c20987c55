import type { ListenAddress, TlsConfig } from '../../config/config.ts'
import type { Observer } from '../../observe/observer.ts'
import { type ClientTrust, openClientTrust } from './client-trust.ts'
import { openTlsFiles, type TlsFiles } from './tls-files.ts'
import type { WatchedFiles } from './watch-files.ts'

/** An address at which clients are asked for a certificate. */
export interface ClientAddress {
  address: ListenAddress
  clients: WatchedFiles<ClientTrust>
  trustDomain: string | undefined
}

/** All that a server with TLS reads from files. */
export interface ServerTls {
  files: TlsFiles
  clientAddresses: readonly ClientAddress[]
  /** What whoever runs this server should see to, a sentence each. */
  warnings(): string[]
  /** Looks at all of the files now. Never rejects. */
  look(): Promise<void>
  close(): void
}

/** Opens the files of `tls`. Throws `listen_failed`. */
export async function openServerTls(
  config: TlsConfig,
  { log, gauge }: Pick<Observer, 'log' | 'gauge'>,
): Promise<ServerTls> {
  const files = await openTlsFiles({ files: config, log })
  const trusts: WatchedFiles<ClientTrust>[] = []
  const clientAddresses: ClientAddress[] = []
  const close = (): void => {
    for (const each of [files, ...trusts]) each.close()
  }
  try {
    for (const client of config.clients ?? []) {
      const clients = await openClientTrust({ files: client, log })
      trusts.push(clients)
      for (const address of client.listen)
        clientAddresses.push({ address, clients, trustDomain: client.trustDomain })
    }
  } catch (error) {
    close()
    throw error
  }
  gauge(
    'modstead_tls_certificate_expires_seconds',
    'Seconds until the certificate of this server ends; negative once it has.',
    () => (files.ends() - Date.now()) / 1000,
  )
  return {
    files,
    clientAddresses,
    warnings: () => [
      ...files.warnings(),
      ...trusts.flatMap((trust) => {
        const { ends } = trust.current()
        return [
          ...(trust.problem() === '' ? [] : [`${trust.problem()}: what was there before is in use`]),
          ...(ends === undefined || ends > Date.now()
            ? []
            : [
                `a list of revoked client certificates has ended at ${new Date(ends).toISOString()}: ` +
                  'nobody gets in with a certificate that it is for',
              ]),
        ]
      }),
    ],
    async look() {
      await Promise.all([files, ...trusts].map((each) => each.look()))
    },
    close,
  }
}
