import {
  generateKey,
  parseSignerKey,
  parseVerifierKey,
  type Signer,
  verifierKeyOf,
  type Verifier,
} from '@modstead/gomod/note'
import { type AuditFiles, KEY_FILE, VERIFIER_FILE } from './files.ts'

/** The name of keys that are made for the audit log alone. */
const KEY_NAME = 'modstead-audit'

export interface AuditKeys {
  signer: Signer
  /** The verifier key of the signer. */
  verifierKey: string
  /** Keys whose signatures count: those of the configuration, and one that the folder has. */
  verifiers: Verifier[]
  /** A secret for masks and no signature. */
  seed: string
}

/** The keys of a checksum log, newest first; none where there is no such log. Signer keys. */
export type LogKeys = readonly string[]

/**
 * The keys of the audit log. The checksum log's key signs where there is one, else one of its own, which is made at the
 * first start and kept in the folder for modstead's user alone.
 */
export async function openKeys(
  files: Pick<AuditFiles, 'readSmall' | 'writeSmall'>,
  logKeys: LogKeys,
): Promise<AuditKeys> {
  const kept = (await files.readSmall(KEY_FILE))?.trim()
  const own = kept ?? (await makeKey(files))
  const skey = logKeys[0] ?? own
  return {
    signer: parseSignerKey(skey),
    verifierKey: verifierKeyOf(skey),
    verifiers: [...new Set([...logKeys, own].map(verifierKeyOf))].map(parseVerifierKey),
    seed: own,
  }
}

/** The verifier keys alone, for whoever only reads: those of a checksum log, and that of the folder. */
export async function readVerifierKeys(
  files: Pick<AuditFiles, 'readSmall'>,
  logKeys: LogKeys,
): Promise<string[]> {
  const own = (await files.readSmall(VERIFIER_FILE))?.trim()
  return [...new Set([...logKeys.map(verifierKeyOf), ...(own === undefined ? [] : [own])])]
}

async function makeKey(files: Pick<AuditFiles, 'writeSmall'>): Promise<string> {
  const { skey } = generateKey(KEY_NAME)
  await files.writeSmall(KEY_FILE, `${skey}\n`)
  await files.writeSmall(VERIFIER_FILE, `${verifierKeyOf(skey)}\n`)
  return skey
}
