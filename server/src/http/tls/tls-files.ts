import type tls from 'node:tls'
import type { TlsConfig } from '../../config/config.ts'
import { ModsteadError } from '../../errors.ts'
import type { Logger } from '../../observe/observer.ts'
import { type KeyPair, readKeyPair, untimely } from './key-pair.ts'
import { watchFiles } from './watch-files.ts'

/** The certificate of this server and its key, as they are now. */
export interface TlsFiles {
  /** For `tls.createSecureContext`. */
  options(): tls.SecureContextOptions
  /** Calls back with each new `options()`, for new handshakes. Gives what ends that. */
  onChange(listener: () => void): () => void
  /** Milliseconds since the epoch at which the certificate ends. */
  ends(): number
  /** What whoever runs this server should see to, a sentence each. */
  warnings(): string[]
  /** Looks at the files now. Never rejects. */
  look(): Promise<void>
  close(): void
}

export interface TlsFilesOptions {
  files: TlsConfig
  log: Logger
  /** How often the files are looked at. Milliseconds. */
  every?: number
  /** Milliseconds since the epoch. */
  now?: () => number
}

const DAY = 86_400_000
/** From when on a certificate that was not renewed is worth a warning. */
const SOON = 7 * DAY

/**
 * Opens the certificate and its key, and reads them again when they change. A new pair counts only when it is whole and
 * valid now.
 *
 * Throws `listen_failed` where the first pair cannot be used. One that is not valid now is used at the start: there is
 * no better one.
 */
export async function openTlsFiles({
  files,
  log,
  every,
  now = Date.now,
}: TlsFilesOptions): Promise<TlsFiles> {
  const first = await readKeyPair(files)
  if ('problem' in first) throw new ModsteadError('listen_failed', first.problem, { next: first.next })
  const wrong = untimely(first.leaf, now())
  if (wrong !== undefined) log.warn({ file: files.cert }, `the TLS certificate ${wrong}`)
  const pair = watchFiles<KeyPair>({
    paths: [files.cert, files.key],
    first,
    async read() {
      const read = await readKeyPair(files)
      const wrong = 'problem' in read ? undefined : untimely(read.leaf, now())
      return wrong === undefined
        ? read
        : { problem: `the certificate ${files.cert} ${wrong}`, next: 'renew it' }
    },
    isSame: ({ options: one }, { options: other }) => one.cert === other.cert && one.key === other.key,
    onNew({ leaf }) {
      const { fingerprint256: fingerprint } = leaf
      log.info(
        { file: files.cert, ends: leaf.validToDate.toISOString(), fingerprint },
        'the TLS certificate was read again: new connections get it',
      )
    },
    log,
    ...(every !== undefined && { every }),
  })
  return {
    options: () => pair.current().options,
    onChange: pair.onChange,
    ends: () => pair.current().leaf.validToDate.getTime(),
    warnings() {
      const { leaf } = pair.current()
      const left = leaf.validToDate.getTime() - now()
      const wrong = untimely(leaf, now())
      return [
        ...(pair.problem() === '' ? [] : [`${pair.problem()}: the certificate before it is in use`]),
        ...(wrong === undefined ? [] : [`the TLS certificate ${wrong}`]),
        ...(left > 0 && left < SOON
          ? [`the TLS certificate ends in ${daysOf(left)}, at ${leaf.validToDate.toISOString()}`]
          : []),
      ]
    },
    look: pair.look,
    close: pair.close,
  }
}

function daysOf(time: number): string {
  const days = Math.floor(time / DAY)
  if (days === 0) return 'less than a day'
  return days === 1 ? 'a day' : `${days} days`
}
