import { parseWitnessKey } from '@modstead/gomod/checkpoint/cosignature'
import { GomodError } from '@modstead/gomod/error'
import type { WitnessConfig } from './config.ts'
import { type BuildContext, complain, shown } from './context.ts'
import { holdsSignerKey } from './explain.ts'
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
    else if (given.findIndex((other) => publicKeyOf(other.key) === publicKeyOf(key)) < index)
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

/** A sentence where `key` is no verifier key for cosignatures, which are those of type 4. */
function witnessKeyProblem(key: string): string | undefined {
  if (holdsSignerKey(key))
    return 'this is a signer key, which only the witness may have: expected its verifier key'
  try {
    parseWitnessKey(key)
    return undefined
  } catch (error) {
    if (error instanceof GomodError)
      return `expected the verifier key of a witness, of type 4: ${error.message}`
    throw error
  }
}

/** The public key in a verifier key: its name is not part of what a witness signs. */
function publicKeyOf(vkey: string): string {
  return vkey.split('+').slice(2).join('+')
}

/** Without a slash at its end; undefined for what heads are not sent to. */
function parseWitnessUrl(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null || url.username + url.password !== '' || /[?#]/.test(text)) return undefined
  const local = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && local)) return undefined
  return url.href.replace(/\/+$/, '')
}
