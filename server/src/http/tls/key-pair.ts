import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import tls from 'node:tls'
import type { TlsConfig } from '../../config/config.ts'
import type { FileProblem } from './watch-files.ts'

/** A certificate with its key, as they were read together. */
export interface KeyPair {
  /** The server's own certificate, the first of the chain. */
  leaf: X509Certificate
  /** For `tls.createSecureContext`. */
  options: tls.SecureContextOptions
}

const READING = 'check tls.cert and tls.key in the configuration, and who may read the files'
const FORM = 'check that both are whole PEM files, and that the key is that of the certificate'

/**
 * Reads the certificate and its key. A pair counts only as a whole: each certificate of the chain can be read, the key
 * is that of the first one. Whether it is the time for it is another question: see `untimely`.
 */
export async function readKeyPair(files: TlsConfig): Promise<KeyPair | FileProblem> {
  const texts = await Promise.all([read(files.cert), read(files.key)])
  const [cert, key] = texts
  if (typeof cert === 'object') return { problem: cert.problem, next: READING }
  if (typeof key === 'object') return { problem: key.problem, next: READING }
  const { keyPassword: passphrase, minVersion } = files
  const options = { cert, key, minVersion, ...(passphrase !== undefined && { passphrase }) }
  try {
    // A file that is still being written ends within a certificate: node would leave that one out of the chain.
    const chain = blocksOf(cert).map((block) => new X509Certificate(block))
    tls.createSecureContext(options)
    return { leaf: chain[0]!, options }
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (isAboutPassword(code, passphrase, key))
      return {
        problem: `the key ${files.key} is encrypted, and its password is ${passphrase === undefined ? 'missing' : 'wrong'}`,
        next: 'set tls.keyPassword, best as file:PATH',
      }
    return { problem: `the certificate ${files.cert} or its key cannot be used`, next: FORM }
  }
}

/** Why it is not the time for a certificate, for a sentence: it has ended, or begins later. */
export function untimely(leaf: X509Certificate, now: number): string | undefined {
  if (leaf.validToDate.getTime() <= now) return `has ended at ${leaf.validToDate.toISOString()}`
  if (leaf.validFromDate.getTime() > now) return `begins at ${leaf.validFromDate.toISOString()} only`
  return undefined
}

/** The PEM blocks of certificates. Throws where one has no end, or where there is none. */
export function blocksOf(pem: string): string[] {
  const begins = pem.split('-----BEGIN ').length - 1
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0 || pem.split('-----END ').length - 1 !== begins)
    throw new Error('not a whole PEM file')
  return blocks
}

async function read(file: string): Promise<string | { problem: string }> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    return {
      problem: `the file ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
    }
  }
}

function isAboutPassword(code: string, passphrase: string | undefined, key: string): boolean {
  if (!/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(key)) return false
  return passphrase === undefined || /BAD_DECRYPT|PASSPHRASE|PASSWORD/i.test(code)
}
