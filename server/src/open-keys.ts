import { readFile } from 'node:fs/promises'
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose'
import { createKeySource } from './access/jwt/jwks.ts'
import { ModsteadError } from './errors.ts'
import type { Observer } from './observe/observer.ts'
import { createKeySets, type KeySets } from './origin/key-set.ts'

/** Where the keys of an issuer are. `ca` is a PEM file. */
export type KeyPlace =
  | { kind: 'discovery'; ca?: string }
  | { kind: 'jwks'; url: string; ca?: string }
  | { kind: 'file'; path: string }

export interface OpenKeysOptions {
  observer: Observer
  /** For HTTP(S)_PROXY and NO_PROXY. */
  env: Readonly<Record<string, string | undefined>>
  /** What is to be closed at the end. */
  closing: (() => Promise<void>)[]
}

/** Makes what finds the public keys of issuers, from files and over https. Nothing is asked before a token needs it. */
export function openKeys({ observer, env, closing }: OpenKeysOptions) {
  const sets = new Map<string | undefined, KeySets>()

  async function setsFor(ca: string | undefined): Promise<KeySets> {
    const authority = ca === undefined ? undefined : await readFile(ca, 'utf8')
    let found = sets.get(authority)
    if (found === undefined) {
      const made = createKeySets(env, authority)
      sets.set(authority, (found = made))
      closing.push(() => made.close())
    }
    return found
  }

  async function get(url: string, ca: string | undefined): Promise<Buffer> {
    return Buffer.from(await (await setsFor(ca)).get(url))
  }

  async function bytesAt(issuer: string, keys: KeyPlace): Promise<Buffer> {
    if (keys.kind === 'file') return readFile(keys.path)
    if (keys.kind === 'jwks') return get(keys.url, keys.ca)
    const at = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    return get(jwksIn(await get(at, keys.ca), issuer, at), keys.ca)
  }

  return (name: string, issuer: string, keys: KeyPlace): JWTVerifyGetKey =>
    createKeySource({
      load: async () => JSON.parse((await bytesAt(issuer, keys)).toString()) as JSONWebKeySet,
      onFailure: (error) =>
        observer.log.warn({ err: error, issuer: name }, 'the keys of an issuer cannot be had'),
      now: () => performance.now(),
    })
}

/** `jwks_uri` of what an issuer publishes about itself (OpenID Connect Discovery 1.0, sections 3 and 4.3). */
function jwksIn(document: Buffer, issuer: string, at: string): string {
  const said = JSON.parse(document.toString()) as { issuer?: unknown; jwks_uri?: unknown } | null
  if (said?.issuer !== issuer)
    throw new ModsteadError('upstream_invalid', `${at} is about another issuer than ${issuer}`)
  const { jwks_uri: url } = said
  if (typeof url === 'string' && url.startsWith('https://') && URL.canParse(url)) return url
  throw new ModsteadError('upstream_invalid', `${at} has no https URL as jwks_uri`)
}
