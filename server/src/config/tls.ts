import { z } from 'zod'
import type { TlsConfig } from './config.ts'
import { type BuildContext, pemFile } from './context.ts'
import { choice, path, secret } from './fields.ts'
import { HIDDEN, resolveSecret } from './secrets.ts'

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
})

/** `tls` of the file with its references followed. */
export async function buildTls(
  context: BuildContext,
  file: z.output<typeof tlsSchema> | undefined,
): Promise<TlsConfig | undefined> {
  if (file === undefined) return undefined
  const at = (key: string) => ['tls', key]
  const { keyPassword } = file
  return {
    cert: await pemFile(context, at('cert'), file.cert),
    key: await pemFile(context, at('key'), file.key),
    ...(keyPassword !== undefined && {
      keyPassword: await resolveSecret(context, at('keyPassword'), keyPassword),
    }),
    minVersion: file.minVersion,
  }
}

/** `tls` as a file would say it. */
export function describeTls({ keyPassword, ...tls }: TlsConfig): Record<string, unknown> {
  return { ...tls, ...(keyPassword !== undefined && { keyPassword: HIDDEN }) }
}
