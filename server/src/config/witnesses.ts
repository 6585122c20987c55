import { createHash } from 'node:crypto'
import type { WitnessConfig } from './config.ts'
import { type BuildContext, complain, shown } from './context.ts'
import { describeValue } from './explain.ts'
import type { FileConfig } from './schema.ts'

/** The witnesses of the file. Each signs with a key of its own. */
export function buildWitnesses(
  context: BuildContext,
  given: NonNullable<FileConfig['checksumLog']>['witnesses'],
): WitnessConfig[] {
  return given.map(({ key, url }, index) => {
    const path = ['checksumLog', 'witnesses', index]
    const keyProblem = witnessKeyProblem(key)
    if (keyProblem !== undefined) complain(context, [...path, 'key'], keyProblem)
    else if (given.findIndex((other) => other.key === key) < index)
      complain(context, [...path, 'key'], 'is the key of a witness before it: each counts once')
    const parsed = parseWitnessUrl(url)
    if (parsed === undefined)
      complain(
        context,
        [...path, 'url'],
        'expected a URL such as https://witness.example, https but for loopback addresses, without credentials, "?" or "#", ' +
          `found ${shown(context, [...path, 'url'], url)}`,
      )
    return { key, url: parsed ?? url }
  })
}

/** The type of keys for cosignatures with Ed25519 (C2SP tlog-cosignature). */
const COSIGNATURE = 0x04

/** A sentence where `key` is no verifier key for cosignatures. */
function witnessKeyProblem(key: string): string | undefined {
  if (key.startsWith('PRIVATE+KEY+'))
    return 'this begins like a signer key, which only the witness may have: expected its verifier key'
  const [, name = '', hash = '', base64 = ''] =
    /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/i.exec(key) ?? []
  const bytes = Buffer.from(base64, 'base64')
  if (name === '' || bytes.toString('base64') !== base64)
    return `expected the verifier key of a witness, name+hash+base64, found ${describeValue(key, false)}`
  if (bytes[0] !== COSIGNATURE || bytes.length !== 1 + 32)
    return `expected a key for cosignatures, of type 4 and 33 bytes, found one of type ${bytes[0]} and ${bytes.length} bytes`
  const own = createHash('sha256').update(`${name}\n`).update(bytes).digest('hex').slice(0, 8)
  return own === hash.toLowerCase()
    ? undefined
    : `the hash in the key of ${name} does not belong to its name and key`
}

/** Without a slash at its end; undefined for what heads are not sent to. */
function parseWitnessUrl(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null || url.username + url.password !== '' || /[?#]/.test(text)) return undefined
  const local = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && local)) return undefined
  return url.href.replace(/\/+$/, '')
}
