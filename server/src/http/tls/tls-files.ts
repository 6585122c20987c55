import { stat } from 'node:fs/promises'
import type tls from 'node:tls'
import type { TlsConfig } from '../../config/config.ts'
import { ModsteadError } from '../../errors.ts'
import type { Logger } from '../../observe/observer.ts'
import { type KeyPair, readKeyPair, untimely } from './key-pair.ts'

/** The files of `tls` as they are now. */
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

/** A look is two calls of stat: watching folders would miss what network file systems and symbolic links do. */
const EVERY = 2_000
const DAY = 86_400_000
/** From when on a certificate that was not renewed is worth a warning. */
const SOON = 7 * DAY

/**
 * Opens the certificate and its key, and reads them again when they change, by content, time or symbolic link. What
 * cannot be used, is not whole or not valid now leaves the pair before it in place, is warned of once, and tried again
 * at each look: the two files are often written one after the other.
 *
 * Throws `listen_failed` where the first pair cannot be used. One that is not valid now is used at the start: there is
 * no better one.
 */
export async function openTlsFiles(options: TlsFilesOptions): Promise<TlsFiles> {
  const { files, log, every = EVERY, now = Date.now } = options
  const listeners = new Set<() => void>()
  let seen = await signature(files)
  let pair = await firstPair(files)
  let problem = ''
  let looking: Promise<void> | undefined
  warnOfTime(pair)

  function warnOfTime({ leaf }: KeyPair): void {
    const wrong = untimely(leaf, now())
    if (wrong !== undefined) log.warn({ file: files.cert }, `the TLS certificate ${wrong}`)
  }

  async function look(): Promise<void> {
    const before = await signature(files)
    if (before === seen && problem === '') return
    const read = await readKeyPair(files)
    // What was written meanwhile is looked at the next time.
    seen = before
    if ('problem' in read) return keep(read.problem, read.next)
    if (isSame(read, pair)) {
      problem = ''
      return
    }
    const wrong = untimely(read.leaf, now())
    if (wrong !== undefined) return keep(`the certificate ${files.cert} ${wrong}`, 'renew it')
    problem = ''
    pair = read
    log.info(
      { file: files.cert, ends: pair.leaf.validToDate.toISOString(), fingerprint: pair.leaf.fingerprint256 },
      'the TLS certificate was read again: new connections get it',
    )
    for (const listener of listeners) listener()
  }

  function keep(reason: string, next: string): void {
    if (reason === problem) return
    problem = reason
    log.warn({ next }, `${reason}: the certificate before it stays in use, and the files are tried again`)
  }

  const lookOnce = (): Promise<void> =>
    (looking ??= look()
      .catch((error: unknown) => log.error({ err: error }, 'the files of tls could not be looked at'))
      .finally(() => {
        looking = undefined
      }))
  const timer = setInterval(() => void lookOnce(), every)
  timer.unref()

  return {
    options: () => pair.options,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    ends: () => pair.leaf.validToDate.getTime(),
    warnings() {
      const left = pair.leaf.validToDate.getTime() - now()
      const wrong = untimely(pair.leaf, now())
      return [
        ...(problem === '' ? [] : [`${problem}: the certificate before it is in use`]),
        ...(wrong === undefined ? [] : [`the TLS certificate ${wrong}`]),
        ...(left > 0 && left < SOON
          ? [`the TLS certificate ends in ${daysOf(left)}, at ${pair.leaf.validToDate.toISOString()}`]
          : []),
      ]
    },
    look: lookOnce,
    close() {
      clearInterval(timer)
      listeners.clear()
    },
  }
}

async function firstPair(files: TlsConfig): Promise<KeyPair> {
  const read = await readKeyPair(files)
  if ('problem' in read) throw new ModsteadError('listen_failed', read.problem, { next: read.next })
  return read
}

/** What changes when somebody writes one of the files, or turns a symbolic link on the way to it elsewhere. */
async function signature({ cert, key }: TlsConfig): Promise<string> {
  const each = [cert, key].map((file) =>
    stat(file, { bigint: true }).then(
      ({ dev, ino, size, mtimeNs, ctimeNs }) => [dev, ino, size, mtimeNs, ctimeNs].join(' '),
      (error: NodeJS.ErrnoException) => error.code ?? String(error),
    ),
  )
  return (await Promise.all(each)).join('\n')
}

function isSame(one: KeyPair, other: KeyPair): boolean {
  return one.options.cert === other.options.cert && one.options.key === other.options.key
}

function daysOf(time: number): string {
  const days = Math.floor(time / DAY)
  if (days === 0) return 'less than a day'
  return days === 1 ? 'a day' : `${days} days`
}
