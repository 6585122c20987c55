import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import tls from 'node:tls'
import type { ClientListener } from '../../config/config.ts'
import { ModsteadError } from '../../errors.ts'
import type { Logger } from '../../observe/observer.ts'
import { firstEndOf } from './crl-end.ts'
import { blocksOf } from './key-pair.ts'
import { type FileProblem, type WatchedFiles, watchFiles } from './watch-files.ts'

/** Whose client certificates count. */
export interface ClientTrust {
  /** For `tls.createSecureContext`. */
  options: Readonly<Pick<tls.SecureContextOptions, 'ca' | 'crl'>>
  /** When the list of what was revoked ends; from then on nobody is let in whom it is for. */
  ends?: number
}

export interface ClientTrustOptions {
  files: Pick<ClientListener, 'ca' | 'crl'>
  log: Logger
  /** How often the files are looked at. Milliseconds. */
  every?: number
}

/**
 * Opens the authorities of clients and the list of what they revoked, and reads them again when they change. Throws
 * `listen_failed` where they cannot be used at the start.
 */
export async function openClientTrust({
  files,
  log,
  every,
}: ClientTrustOptions): Promise<WatchedFiles<ClientTrust>> {
  const first = await readTrust(files)
  if ('problem' in first) throw new ModsteadError('listen_failed', first.problem, { next: first.next })
  return watchFiles<ClientTrust>({
    paths: pathsOf(files),
    first,
    read: () => readTrust(files),
    isSame: ({ options: one }, { options: other }) => one.ca === other.ca && one.crl === other.crl,
    onNew: () =>
      log.info(
        { files: pathsOf(files) },
        'the authorities of client certificates were read again: open connections of clients are ended',
      ),
    log,
    ...(every !== undefined && { every }),
  })
}

async function readTrust(files: Pick<ClientListener, 'ca' | 'crl'>): Promise<ClientTrust | FileProblem> {
  const texts: string[] = []
  for (const path of pathsOf(files)) {
    try {
      texts.push(await readFile(path, 'utf8'))
    } catch (error) {
      return {
        problem: `the file ${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
        next: 'check the files of client certificates in tls, and who may read them',
      }
    }
  }
  const [ca, crl] = texts
  const options = { ca: ca!, ...(crl !== undefined && { crl }) }
  try {
    blocksOf(ca!).forEach((block) => new X509Certificate(block))
    tls.createSecureContext(options)
    const ends = crl === undefined ? undefined : firstEndOf(crl)
    return { options, ...(ends !== undefined && { ends }) }
  } catch (error) {
    return {
      problem: `${pathsOf(files).join(' or ')} cannot be used (${reasonOf(error)})`,
      next: 'check that the authorities are whole PEM certificates, and the list whole PEM revocation lists',
    }
  }
}

/** In one line: that of OpenSSL where it has one. */
function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  const text = message.replaceAll(/\s+/g, ' ').slice(0, 200)
  return code === undefined || text.includes(code) ? text : `${code}: ${text}`
}

function pathsOf({ ca, crl }: Pick<ClientListener, 'ca' | 'crl'>): string[] {
  return crl === undefined ? [ca] : [ca, crl]
}
